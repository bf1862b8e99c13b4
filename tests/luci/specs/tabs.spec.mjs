import { card, expect, test } from '../world.mjs';

test('what ddns-scripts has is shown entry by entry, and taken over at a click', async ({ page, world }) => {
	test.skip(!world.hasShell, 'needs a shell');
	await world.reset(world.record('home'));
	world.ddnsScripts(`config ddns 'global'
	option ddns_dateformat '%F %R'
config service 'duck'
	option enabled '1'
	option service_name 'duckdns.org'
	option lookup_host 'wan-spec.duckdns.org'
	option domain 'wan-spec.duckdns.org'
	option password 'token-of-ddns-scripts'
	option ip_source 'network'
	option ip_network 'wan'
config service 'home'
	option enabled '1'
	option service_name 'dyn.com'
	option domain 'home.dyndns.org'
	option lookup_host 'home.dyndns.org'
	option username 'x'
	option password 'y'
	option ip_source 'network'
	option ip_network 'wan'
config service 'scripted'
	option update_script '/usr/bin/<b>mine</b>'
	option domain 'a.example.org'
`);
	await world.open(page, 'import');
	const entry = (name) => page.getByRole('region', { name, exact: true });
	await expect(entry('duck')).toContainText('✔ Will be taken over');
	await expect(entry('duck')).toContainText('wan-spec.duckdns.org');
	await expect(entry('home')).toContainText('There is a record of this name already');
	await expect(entry('scripted')).toContainText('Cannot be taken over: it is a script');
	await expect(page.getByText(/ddns_dateformat/)).toBeVisible();
	await expect(page.locator('body')).not.toContainText('token-of-ddns-scripts');
	await page.getByRole('button', { name: 'Take over' }).click();
	await expect(page.getByText('Taken over: duck')).toBeVisible();
	await world.open(page, 'overview');
	await expect(card(page, 'duck')).toContainText('duckdns.org');
	expect((await world.written('duck')).password).toBe('token-of-ddns-scripts');
	expect((await world.written('home')).provider).toBe('dyndns2');
	if (world.real)
		world.ddnsScripts(null);
});

test('the history has a mark and a row for each change, and a mark says what it was', async ({ page, world }) => {
	await world.reset(world.record('home'), world.record('nas'));
	await world.open(page, 'overview');
	await expect(card(page, 'home')).toContainText('✔ Published');
	await expect(card(page, 'nas')).toContainText('✔ Published');
	await world.open(page, 'history');
	await expect(page.locator('.wb-mark').first()).toBeVisible();
	const marks = await page.locator('.wb-mark').count();
	await expect(page.locator('table tr')).toHaveCount(marks + 1);
	if (!world.real)
		expect(marks).toBe(2);
	await page.locator('.wb-mark').first().focus();
	await expect(page.locator('[aria-live]')).toContainText(/example\.org · – → [\d.]+ · /);
	await expect(page.getByRole('row', { name: /nas\.example\.org/ }).first()).toContainText(/m?s$/);
});

test('without a change the history says so', async ({ page, world }) => {
	test.skip(!!world.real, 'it has a history there');
	await world.reset();
	await world.open(page, 'history');
	await expect(page.getByText('No address has changed yet.')).toBeVisible();
});

test('the expert tab has every option of the agent, checks what is written, and keeps secrets', async ({ page, world }) => {
	await world.reset(world.record('home'));
	await world.open(page, 'expert');
	await page.getByText('home', { exact: true }).click();
	const section = page.locator('[data-section="home"]');
	expect(await section.locator('.cbi-value').count()).toBeGreaterThan(35);
	await section.getByLabel('refresh', { exact: true }).fill('soon');
	await section.getByRole('button', { name: 'Save' }).click();
	await expect(section.locator('#wb-home-refresh-mistake')).toContainText('is not a duration');
	await section.getByLabel('refresh', { exact: true }).fill('11d');
	await section.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText('Saved.')).toBeVisible();
	await expect(page.getByText('Saved.')).toHaveCount(0);
	await expect(page.locator('#wb-home-refresh')).toHaveValue('11d');
	await expect(page.locator('#wb-home-password')).toHaveValue('');
	if (!world.real)
		expect(await world.written('home')).toMatchObject({ refresh: '11d', password: 'hunter2-secret' });
});

test('the log shows the agent\'s lines only', async ({ page, world }) => {
	await world.reset(world.record('home'));
	if (world.real) {
		await world.open(page, 'log');
		await expect(page.getByRole('log')).toContainText(/daemon\.\w+ wanbeacon\[\d+\]: home: home\.example\.org published as/);
		return expect(page.getByRole('log')).not.toContainText(/ (procd|netifd|rpcd)[[:]/);
	}
	world.router.log = `Fri Nov 27 17:16:01 2026 daemon.notice wanbeacon[812]: home: home.example.org published as 81.2.69.142, 9 ms after the event
Fri Nov 27 17:16:02 2026 daemon.err uhttpd[900]: a line that only mentions wanbeacon[1]: <img src=x onerror=alert(1)>
Fri Nov 27 17:16:03 2026 daemon.warn wanbeacon: <img src=x onerror=alert(1)>
`;
	await world.open(page, 'log');
	const log = page.getByRole('log');
	await expect(log).toContainText('9 ms after the event');
	await expect(log).toContainText('<img src=x onerror=alert(1)>');
	await expect(log).not.toContainText('uhttpd');
	world.router.log = '';
	await page.getByRole('button', { name: 'Refresh' }).click();
	await expect(page.getByText('The agent has said nothing')).toBeVisible();
});

test('an account that may only read sees the status, and can neither change nor run anything nor see a secret', async ({ page, world }) => {
	await world.reset(world.record('home'));
	await world.open(page, 'overview', { as: 'viewer' });
	await expect(card(page, 'home')).toContainText('✔ Published');
	await expect(card(page, 'home').getByRole('button')).toHaveText([ 'Why?' ]);
	for (const tab of [ 'setup', 'expert', 'log' ]) {
		await world.open(page, tab, { as: 'viewer' });
		await expect(page.getByText('This account may not do that.')).toBeVisible();
		await expect(page.getByRole('button', { name: /Save|Test/ })).toHaveCount(0);
	}
	// What the page does not offer, rpcd refuses.
	const refused = await page.evaluate(async () => {
		const ask = async (object, method, args) => {
			const session = L.env.sessionid ?? L.env.session;
			const body = JSON.stringify([ { jsonrpc: '2.0', id: 1, method: 'call', params: [ session, object, method, args ] } ]);
			const [ answer ] = await (await fetch('/ubus/', { method: 'POST', body })).json();
			return answer.error?.code ?? answer.result[0];
		};
		return Promise.all([
			ask('wanbeacon', 'update', {}), ask('wanbeacon', 'test', { record: 'home' }), ask('luci.wanbeacon', 'config', {}),
			ask('luci.wanbeacon', 'check', {}), ask('luci.wanbeacon', 'take_over', {}), ask('uci', 'get', { config: 'wanbeacon' }),
			ask('uci', 'set', { config: 'wanbeacon', section: 'home', values: { enabled: '0' } }) ]);
	});
	for (const code of refused)
		expect([ -32002, 6 ]).toContain(code);
});
