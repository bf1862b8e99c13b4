// What a spec needs of the world: a router with LuCI, a provider with moods, and a session. With WANBEACON_LUCI_URL the router is
// a genuine one, and what only the stand-in can do says so by `world.real`.

import { test as base, expect } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

import { read, Router, serve, write } from './standin/server.mjs';
import { translations } from './strings.mjs';

const env = process.env;
/** The device with an address that may be published. */
export const LINE = env.WANBEACON_LUCI_DEVICE ?? 'wan';

/** A provider on loopback; what it says is its mood. */
class Provider {
	constructor() {
		this.requests = [];
		this.answer = () => [ 200, 'good' ];
	}

	async start() {
		this.server = http.createServer((request, response) => {
			this.requests.push(`${request.method} ${request.url}`);
			const [ status, body ] = this.answer(request);
			response.writeHead(status, { 'Content-Type': 'text/plain' }).end(body);
		});
		await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.url = `http://127.0.0.1:${this.server.address().port}`;
	}
}

class World {
	constructor() {
		this.real = env.WANBEACON_LUCI_URL;
		this.provider = new Provider();
	}

	async start() {
		await this.provider.start();
		if (this.real)
			return;
		this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wanbeacon-luci-'));
		this.router = new Router(env.WANBEACON_AGENT, this.directory);
		this.server = await serve(this.router, translations());
		this.base = `http://127.0.0.1:${this.server.address().port}/cgi-bin/luci/`;
	}

	async end() {
		this.provider.server.closeAllConnections();
		this.provider.server.close();
		await this.router?.stop();
		this.server?.closeAllConnections();
		this.server?.close();
		if (this.directory)
			fs.rmSync(this.directory, { recursive: true });
	}

	/** A record at the provider of this world. */
	record(name, options = {}) {
		const all = {
			provider: 'dyndns2', server: this.provider.url, insecure: '1', user: 'alice', password: 'hunter2-secret', hostname: [ `${name}.example.org` ],
			ipv4: LINE, allow: [ 'private' ], verify: '0s', ...options };
		return { type: 'record', name, options: Object.fromEntries(Object.entries(all).filter(([ , value ]) => value !== undefined)) };
	}

	/** Begins anew, with these records and an agent that knows nothing. */
	async reset(...records) {
		this.provider.answer = () => [ 200, 'good' ];
		if (this.real)
			await this.write(records);
		else {
			const { router } = this;
			await router.stop();
			Object.assign(router, { overlay: { networks: [ 'lan', 'loopback', 'wan', 'wan6' ].map((network) => ({ network })) }, hosts: {}, log: '', delta: null });
			for (const rest of [ 'state', 'run', 'ddns', 'providers.d' ])
				fs.rmSync(path.join(this.directory, rest), { recursive: true, force: true });
			fs.mkdirSync(path.join(this.directory, 'run'));
			fs.writeFileSync(router.file, write([ router.globals, ...records ]), { mode: 0o600 });
			await router.apply();
			if (!router.daemon)
				throw new Error(router.refusal);
			router.calls.length = 0;
		}
		this.provider.requests.length = 0;
	}

	/** A call of ubus as root, past the page. */
	async ubus(object, method, args = {}) {
		if (!this.real)
			return this.router.call([ 'admin', object, method, args ]);
		const ask = async (session, ...what) => {
			const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'call', params: [ session, ...what ] });
			return (await (await fetch(new URL('/ubus', this.real), { method: 'POST', body })).json()).result ?? [ -1 ];
		};
		this.session ??= (await ask('0'.repeat(32), 'session', 'login', { username: env.WANBEACON_LUCI_USER, password: env.WANBEACON_LUCI_PASSWORD }))[1].ubus_rpc_session;
		return ask(this.session, object, method, args);
	}

	/** Whether what a browser cannot do can be done: always here, on a genuine router with a shell like `ssh root@192.168.1.1`. */
	get hasShell() {
		return !this.real || !!env.WANBEACON_LUCI_SHELL;
	}

	shell(script) {
		execFileSync('sh', [ '-c', `${env.WANBEACON_LUCI_SHELL} sh -s` ], { input: script });
	}

	async stopAgent() {
		this.real ? this.shell('service wanbeacon stop') : await this.router.stop();
	}

	async startAgent() {
		this.real ? this.shell('service wanbeacon start') : await this.router.start();
	}

	/** What ddns-scripts has; nothing: it is not there. */
	ddnsScripts(text) {
		if (!this.real)
			fs.writeFileSync(path.join(this.directory, 'ddns'), text);
		else
			this.shell(text ? `cat > /etc/config/ddns <<'END'\n${text}END\nrm -f /tmp/luci-indexcache*` : 'rm -f /etc/config/ddns');
	}

	/** An entry of the user's own. */
	entry(id, text) {
		fs.mkdirSync(this.router.globals.options.providers_dir, { recursive: true });
		fs.writeFileSync(path.join(this.router.globals.options.providers_dir, `${id}.toml`), text);
	}

	/** A record's options as they are in the file. */
	async written(name) {
		if (this.real)
			return (await this.ubus('uci', 'get', { config: 'wanbeacon', section: name }))[1].values;
		return read(fs.readFileSync(this.router.file, 'utf8')).find((section) => section.name == name)?.options;
	}

	/** Other records for the agent that runs. */
	async change(...records) {
		if (this.real)
			return this.write(records);
		fs.writeFileSync(this.router.file, write([ this.router.globals, ...records ]), { mode: 0o600 });
		await this.router.apply();
	}

	async write(records) {
		const [ , written ] = await this.ubus('uci', 'get', { config: 'wanbeacon' });
		for (const section of Object.values(written?.values ?? {}).filter((section) => section['.type'] == 'record'))
			await this.ubus('uci', 'delete', { config: 'wanbeacon', section: section['.name'] });
		for (const { name, type, options } of records)
			await this.ubus('uci', 'add', { config: 'wanbeacon', type, name, values: options });
		await this.ubus('uci', 'apply', { rollback: false });
		await expect.poll(async () => (await this.ubus('wanbeacon', 'status'))[1]?.records?.map((record) => record.record).sort())
			.toEqual(records.filter((record) => record.options.enabled != '0').map((record) => record.name).sort());
		// It remembers what the specs before have published.
		await this.ubus('wanbeacon', 'update', { force: true });
	}

	/** Opens a tab as root, or as one who may only read. */
	async open(page, tab, { as = 'admin', lang = 'en' } = {}) {
		if (!this.real)
			await page.goto(`${this.base}admin/services/wanbeacon/${tab}${tab.includes('?') ? '&' : '?'}as=${as}&lang=${lang}`);
		else {
			const [ user, password ] = as == 'viewer' ? [ 'viewer', 'viewer' ] : [ env.WANBEACON_LUCI_USER, env.WANBEACON_LUCI_PASSWORD ];
			const url = `${this.real}admin/services/wanbeacon/${tab}`;
			await page.goto(url);
			if (await page.locator('[name=luci_password]').count()) {
				await page.locator('[name=luci_username]').fill(user);
				await page.locator('[name=luci_password]').fill(password);
				await page.locator('[name=luci_password]').press('Enter');
				// It forgets what is behind the question mark.
				await page.waitForURL((now) => !now.search);
				await page.goto(url);
			}
		}
		await expect(page.locator('.cbi-map h2')).toBeVisible();
	}
}

export const test = base.extend({
	world: [ async ({}, use) => {
		const world = new World();
		await world.start();
		await use(world);
		await world.end();
	}, { scope: 'worker' } ],
	// Whatever a spec does, no script of somebody else runs and none of ours fails.
	page: async ({ page }, use) => {
		const errors = [];
		// LuCI's own, on its login page: it asks before anybody has logged in.
		const isTheirs = (error) => /uci\/get failed with error -32002/.test(error);
		page.on('pageerror', (error) => isTheirs(String(error)) || errors.push(String(error)));
		page.on('dialog', (dialog) => { errors.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
		await use(page);
		expect(errors).toEqual([]);
	}
});

export const card = (page, record) => page.locator(`[data-record="${record}"]`);
export { expect };
