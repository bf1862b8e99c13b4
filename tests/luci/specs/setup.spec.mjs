import { card, expect, LINE, test } from '../world.mjs';

const saved = (page) => page.waitForURL(/wanbeacon\/overview/);

async function pick(page, search, id) {
	await page.getByLabel('Search').fill(search);
	await page.locator(`input[name="wb-provider"][value="${id}"]`).check();
}

test('a DuckDNS record is a provider, a name and a token', async ({ page, world }) => {
	await world.reset();
	await world.open(page, 'setup');
	await expect(page.getByRole('group', { name: 'Free names' })).toContainText('duckdns.org');
	await expect(page.getByRole('group', { name: 'Own domain' })).toContainText('Cloudflare');
	await expect(page.getByRole('group', { name: 'Own server' })).toContainText('rfc2136');
	await pick(page, 'duck', 'duckdns.org');
	const labels = await page.locator('.cbi-value-title:visible').allTextContents();
	expect(labels).toEqual([ 'Search', 'Name', 'The token on your account page, 36 characters', 'IPv4 from', 'IPv6 from' ]);
	await expect(page.getByRole('link', { name: 'What the provider says about it' })).toHaveAttribute('href', 'https://www.duckdns.org/spec.jsp');

	// As it is typed.
	const name = page.getByLabel('Name', { exact: true });
	await name.fill('home.example.org');
	await expect(page.locator('#wb-hostname-mistake')).toContainText('does not end in one of this provider\'s domains');
	await name.fill('Wan-Spec.duckdns.org');
	await expect(page.locator('#wb-hostname-mistake')).toBeEmpty();

	await page.getByLabel('The token').fill('0a1b2c3d-token-of-a-spec');
	await page.getByRole('button', { name: 'Test' }).click();
	await expect(page.getByText('This provider cannot be asked without changing something')).toBeVisible();
	await expect(page.locator('#view, #maincontent').first()).not.toContainText('0a1b2c3d-token-of-a-spec');
	if (!world.real)
		await expect(page.locator('.wb-raw')).toContainText('https://www.duckdns.org/update?domains=wan-spec&token=***&ip=81.2.69.142');
	await page.getByRole('button', { name: 'Save' }).click();
	await saved(page);
	await expect(card(page, 'wan_spec')).toContainText('wan-spec.duckdns.org');
	await expect(card(page, 'wan_spec')).toContainText('duckdns.org');
});

test('a Cloudflare record asks for a token, and a test says what the provider said', async ({ page, world }) => {
	await world.reset();
	await world.open(page, 'setup');
	await pick(page, 'cloudfl', 'cloudflare.com');
	await page.getByLabel('Name', { exact: true }).fill('home.example.org');
	await page.getByLabel('API token').fill('cf-token-of-a-spec');
	await page.getByRole('button', { name: 'Test' }).click();
	// Nobody can be reached from here.
	if (!world.real)
		await expect(page.getByText(/The provider would refuse it|cannot be asked/)).toBeVisible({ timeout: 20_000 });
	await page.getByRole('button', { name: 'Save' }).click();
	await saved(page);
	await expect(card(page, 'home')).toContainText('cloudflare.com');
});

test('a test tells before saving whether the provider accepts the credentials', async ({ page, world }) => {
	test.skip(!!world.real, 'needs an entry of its own in providers.d');
	await world.reset();
	world.entry('asked.example', `id = "asked.example"
name = "Asked"
homepage = "https://asked.example/"
docs = ["https://asked.example/docs"]
[credentials]
server = "the API"
token = "key of the API"
[request]
auth = "bearer"
[request.any]
method = "PUT"
url = "{server}/records/{id}/{ip}"
[answers]
ok = ["equals:done"]
auth = ["status:401"]
[[lookup]]
what = "record"
url = "{server}/records?name={host}"
list = ""
where = { "/name" = "{host}" }
take = { id = "/id" }
[manners]
limits = [{ count = 10, window_s = 10 }]
`);
	world.provider.answer = ({ headers, url }) => headers.authorization == 'Bearer right-key'
		? [ 200, JSON.stringify([ { name: new URL(url, 'http://x').searchParams.get('name'), id: '17' } ]) ] : [ 401, 'who are you' ];
	await world.open(page, 'setup');
	await pick(page, 'asked', 'asked.example');
	await page.getByLabel('Name', { exact: true }).fill('home.example.org');
	await page.getByLabel('The API', { exact: true }).fill(world.provider.url);
	await page.getByLabel('Key of the API').fill('wrong-key');
	if (await page.locator('#wb-insecure').count())
		await page.locator('#wb-insecure').check();
	await page.getByRole('button', { name: 'Test' }).click();
	await expect(page.getByText('The provider would refuse it')).toContainText('who are you');
	await page.getByLabel('Key of the API').fill('right-key');
	await page.getByRole('button', { name: 'Test' }).click();
	await expect(page.getByText('The provider accepts the credentials')).toBeVisible();
	expect(world.provider.requests.every((request) => request.startsWith('GET '))).toBe(true);
});

test('a host of the LAN is chosen among those that the router knows, and follows the prefix', async ({ page, world }) => {
	test.skip(!!world.real, 'there are no hosts there');
	await world.reset();
	world.router.hosts = { '02:11:32:12:34:56': { name: 'nas', ipaddrs: [ '192.168.1.5' ], ip6addrs: [ '2a0c:9a40:500::5' ] } };
	await world.open(page, 'setup');
	await pick(page, 'dynv6', 'dynv6.com');
	await page.getByLabel('Name', { exact: true }).fill('nas.dynv6.net');
	await page.locator('#wb-password').fill('token-of-a-spec');
	await page.getByLabel('IPv6 from').selectOption('host');
	await expect(page.getByLabel('IPv4 from')).toHaveValue('');
	await expect(page.getByLabel('Its network')).toHaveValue('lan');
	await expect(page.getByLabel('Host', { exact: true }).locator('option:checked')).toContainText('nas – 02:11:32:12:34:56');
	await page.getByRole('button', { name: 'Save' }).click();
	await saved(page);
	await expect(card(page, 'nas')).toBeVisible();
	expect(await world.written('nas')).toMatchObject({ ipv6: 'prefix:lan', ipv6_host: 'mac:02:11:32:12:34:56', provider: 'dynv6.com' });
	expect((await world.written('nas')).ipv4).toBeUndefined();
});

test('editing keeps the secret that was never sent back, and everything that the form does not show', async ({ page, world }) => {
	await world.reset(world.record('home', { refresh: '10d' }));
	const bodies = [];
	page.on('response', (response) => response.url().includes('/ubus') && bodies.push(response.text().catch(() => '')));
	await world.open(page, 'setup?record=home');
	await expect(page.locator('#wb-password')).toHaveValue('');
	await expect(page.locator('#wb-password')).toHaveAttribute('placeholder', /saved/);
	await page.getByLabel('Name', { exact: true }).fill('other.example.org');
	await page.getByRole('button', { name: 'Save' }).click();
	await saved(page);
	await expect(card(page, 'home')).toContainText('other.example.org');
	await expect(card(page, 'home')).toContainText('✔ Published');
	expect((await Promise.all(bodies)).join('')).not.toContain('hunter2-secret');
	if (!world.real)
		expect(await world.written('home')).toMatchObject({ password: 'hunter2-secret', refresh: '10d', allow: [ 'private' ] });
});

test('a refused record is mended by editing its password, and recovers', async ({ page, world }) => {
	await world.reset();
	world.provider.answer = ({ headers }) => [ 200, Buffer.from(headers.authorization.split(' ')[1], 'base64').toString() == 'alice:right-password' ? 'good' : 'badauth' ];
	await world.change(world.record('home'));
	await world.open(page, 'overview');
	await expect(card(page, 'home')).toContainText('✖ Refused by the provider');
	await card(page, 'home').getByRole('button', { name: 'Edit' }).click();
	await page.locator('#wb-password').fill('right-password');
	await page.getByRole('button', { name: 'Save' }).click();
	await saved(page);
	await expect(card(page, 'home')).toContainText('✔ Published');
});

test('a mistake is shown at its field, with its mend, and nothing is saved', async ({ page, world }) => {
	await world.reset(world.record('home'));
	await world.open(page, 'setup?record=home');
	await page.locator('#wb-server').fill('ftp://x');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.locator('#wb-server-mistake')).not.toBeEmpty();
	await expect(page.locator('#wb-server')).toBeFocused();
	await world.open(page, 'overview');
	await expect(card(page, 'home')).toContainText('✔ Published');
});

test('a record that names no origin is shown as automatic, and one without any address is not saved', async ({ page, world }) => {
	await world.reset(world.record('home', { ipv4: undefined, enabled: '0' }));
	await world.open(page, 'setup?record=home');
	await expect(page.getByLabel('IPv4 from')).toHaveValue('auto');
	await expect(page.getByLabel('IPv6 from')).toHaveValue('auto');
	await page.getByLabel('IPv4 from').selectOption('');
	await page.getByLabel('IPv6 from').selectOption('');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.locator('#wb-ipv4-mistake')).toHaveText('An address is needed, IPv4 or IPv6.');
});

test('a record is deleted after a question', async ({ page, world }) => {
	test.skip(!!world.real, 'the dialog guard is the stand-in\'s');
	await world.reset(world.record('home'), world.record('nas'));
	await world.open(page, 'setup?record=nas');
	await page.evaluate(() => { window.confirm = () => true; });
	await page.getByRole('button', { name: 'Delete' }).click();
	await saved(page);
	await expect(card(page, 'home')).toBeVisible();
	await expect(card(page, 'nas')).toHaveCount(0);
});

test('a record can be set up by keyboard alone', async ({ page, world }) => {
	await world.reset();
	await world.open(page, 'setup');
	await page.getByLabel('Search').focus();
	await page.keyboard.type('duck');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Space');
	await expect(page.getByLabel('Name', { exact: true })).toBeVisible();
	const reached = [];
	for (let step = 0; step < 12; step++) {
		await page.keyboard.press('Tab');
		reached.push(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent));
	}
	expect(reached).toEqual(expect.arrayContaining([ 'wb-hostname', 'wb-password', 'wb-ipv4', 'wb-ipv6', 'Test', 'Save' ]));
});
