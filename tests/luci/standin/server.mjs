// Stands in for uhttpd, rpcd and netifd: pages, /ubus with the app's own ACL file, and UCI that is applied by the agent's own
// init steps (render, then SIGHUP). Shaped by what the genuine ones were seen to do. What answers is the real agent.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';

const APP = path.resolve(import.meta.dirname, '../../../openwrt/luci-app-wanbeacon');
const RESOURCES = path.join(APP, 'htdocs/luci-static/resources');
const json = (file) => JSON.parse(fs.readFileSync(path.join(APP, file), 'utf8'));
const MENU = json('root/usr/share/luci/menu.d/luci-app-wanbeacon.json');
const ACL = json('root/usr/share/rpcd/acl.d/luci-app-wanbeacon.json')['luci-app-wanbeacon'];

// ---------------------------------------------------------------- UCI

const quote = (value) => `'${value.replace(/'/g, `'\\''`)}'`;

export function write(sections) {
	const lines = [];
	for (const { type, name, options } of sections) {
		lines.push(`config ${type} '${name}'`);
		for (const [ option, value ] of Object.entries(options))
			lines.push(...(Array.isArray(value) ? value.map((one) => `\tlist ${option} ${quote(one)}`) : [ `\toption ${option} ${quote(value)}` ]));
		lines.push('');
	}
	return lines.join('\n');
}

// Only what write() and the agent's import write.
export function read(text) {
	const sections = [];
	for (const line of text.split('\n')) {
		const value = () => line.replace(/^\s*\S+\s+\S+\s+/, '').replace(/^'|'$/g, '').replace(/'\\''/g, `'`);
		const [ command, name ] = line.trim().split(/\s+/);
		if (command == 'config')
			sections.push({ type: name, name: value(), options: {} });
		else if (command == 'option')
			sections.at(-1).options[name] = value();
		else if (command == 'list')
			(sections.at(-1).options[name] ??= []).push(value());
	}
	return sections;
}

// ---------------------------------------------------------------- the router

export class Router {
	constructor(agent, directory) {
		Object.assign(this, { agent, directory, file: path.join(directory, 'wanbeacon'), toml: path.join(directory, 'run/config.toml') });
		this.overlay = {};
		this.hosts = {};
		this.log = '';
		this.calls = [];
		fs.mkdirSync(path.join(directory, 'run'), { recursive: true });
	}

	get globals() {
		return { type: 'global', name: 'globals', options: {
			state_dir: path.join(this.directory, 'state'), runtime_dir: path.join(this.directory, 'run'), providers_dir: path.join(this.directory, 'providers.d') } };
	}

	run(...words) {
		return this.ask(words, '');
	}

	ask(words, input) {
		return new Promise((resolve) => {
			const child = execFile(this.agent, words, { maxBuffer: 1 << 24 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
			// Most commands never read what they are given.
			child.stdin.on('error', () => {});
			child.stdin.end(input);
		});
	}

	// What the init script does.
	async apply() {
		const { code, stderr } = await this.run('render', '--uci', this.file, '--output', this.toml);
		this.refusal = stderr;
		if (code == 0)
			this.daemon ? this.daemon.kill('SIGHUP') : await this.start();
	}

	async start() {
		this.daemon = spawn(this.agent, [ 'run', '--allow-root', '--config', this.toml ], { stdio: 'ignore' });
		const socket = path.join(this.directory, 'run/control.sock');
		const until = Date.now() + 10_000;
		while (!await answers(socket)) {
			if (Date.now() > until)
				throw new Error('the agent does not start');
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}

	async stop() {
		const daemon = this.daemon;
		this.daemon = null;
		if (daemon) {
			const gone = once(daemon, 'exit');
			daemon.kill('SIGTERM');
			await gone;
		}
	}

	// ubusd knows the object only while the agent runs.
	async ubus(method, args) {
		if (!this.daemon)
			throw { code: -32000, message: 'Object not found' };
		const reply = await exchange(path.join(this.directory, 'run/control.sock'), { command: method, ...args });
		if (!reply.ok)
			return [ 4, { error: reply.error } ];
		return [ 0, method == 'status' ? { ...reply.result, ...this.overlay } : reply.result ];
	}

	async plugin(method, args) {
		const { code, stdout } = await this.ask([ 'luci', method.replace('_', '-'), '--uci', this.file ], JSON.stringify(args));
		if (code != 0)
			return [ 9, {} ];
		if (method == 'take_over')
			await this.apply();
		return [ 0, JSON.parse(stdout) ];
	}

	async uci(method, { section: name, type, values, options, name: fresh }) {
		const sections = this.delta ?? read(fs.readFileSync(this.file, 'utf8'));
		const section = sections.find((section) => section.name == name);
		if (method == 'add')
			sections.push({ type, name: fresh, options: values });
		else if (method == 'set' && section)
			Object.assign(section.options, values);
		else if (method == 'delete' && section && !options)
			sections.splice(sections.indexOf(section), 1);
		else if (method == 'delete' && section && options.every((option) => option in section.options))
			options.forEach((option) => delete section.options[option]);
		else if (method == 'apply') {
			fs.writeFileSync(this.file, write(sections), { mode: 0o600 });
			this.delta = null;
			await this.apply();
			return [ 0 ];
		} else if (method != 'confirm')
			return [ 4 ];
		this.delta = method == 'confirm' ? null : sections;
		return [ 0, method == 'add' ? { section: fresh } : undefined ];
	}

	allows(session, object, method, args) {
		const granted = (half) => (half?.ubus?.[object] ?? []).includes(method);
		if (session == 'viewer')
			return granted(ACL.read);
		// luci-base grants these functions to whoever may write; the package is what counts.
		return granted(ACL.read) || granted(ACL.write) || object == 'uci' && (args.config ?? 'wanbeacon') == 'wanbeacon' && ACL.write.uci.wanbeacon.includes('write') && method != 'get';
	}

	async call([ session, object, method, args ]) {
		this.calls.push(`${object} ${method}`);
		if (!this.allows(session, object, method, args))
			throw { code: -32002, message: 'Access denied' };
		switch (object) {
		case 'wanbeacon': return this.ubus(method, args);
		case 'luci.wanbeacon': return this.plugin(method, args);
		case 'uci': return this.uci(method, args);
		case 'luci-rpc': return [ 0, this.hosts ];
		default: throw { code: -32000, message: 'Object not found' };
		}
	}
}

async function answers(socket) {
	return exchange(socket, { command: 'status' }).then((reply) => reply.ok, () => false);
}

function exchange(socket, question) {
	return new Promise((resolve, reject) => {
		const connection = net.connect(socket);
		let text = '';
		connection.on('error', reject);
		connection.on('data', (bytes) => {
			text += bytes;
			if (text.endsWith('\n')) {
				connection.end();
				resolve(JSON.parse(text));
			}
		});
		connection.write(`${JSON.stringify(question)}\n`);
	});
}

// ---------------------------------------------------------------- pages

const TYPES = { '.js': 'text/javascript', '.css': 'text/css' };

export function serve(router, strings) {
	// Nothing, if the page has gone meanwhile.
	const body = (request) => request.toArray().then((parts) => Buffer.concat(parts).toString(), () => '[]');
	const server = http.createServer(async (request, response) => {
		const { pathname, searchParams } = new URL(request.url, 'http://router');
		if (pathname == '/ubus/') {
			const calls = JSON.parse(await body(request));
			const answers = [];
			for (const { id, params } of calls)
				answers.push(await router.call(params).then((result) => ({ jsonrpc: '2.0', id, result }), (error) => ({ jsonrpc: '2.0', id, error: error.code ? error : { code: -32603, message: String(error) } })));
			return response.end(JSON.stringify(answers));
		}
		if (pathname == '/cgi-bin/cgi-exec') {
			const form = new URLSearchParams(await body(request));
			const isAllowed = form.get('sessionid') != 'viewer' && ACL.write.file[form.get('command')]?.includes('exec');
			response.statusCode = isAllowed ? 200 : 403;
			return response.end(isAllowed ? router.log : '');
		}
		if (pathname.startsWith('/luci-static/resources/')) {
			const name = pathname.slice('/luci-static/resources/'.length);
			const file = name == 'standin.js' ? path.join(import.meta.dirname, 'runtime.js') : path.join(RESOURCES, name);
			response.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'text/plain');
			return fs.existsSync(file) ? fs.createReadStream(file).pipe(response) : response.writeHead(404).end();
		}
		const node = MENU[pathname.replace('/cgi-bin/luci/', '')];
		if (!node)
			return response.writeHead(404).end();
		const session = searchParams.get('as') ?? request.headers.cookie?.match(/wb=(\w+)/)?.[1] ?? 'admin';
		const environment = { session, view: node.action.path, readonly: session == 'viewer', refresh: 300, strings: searchParams.get('lang') == 'de' ? strings : {} };
		const tabs = Object.entries(MENU).filter(([ , { action } ]) => action.type == 'view').map(([ at, { title } ]) => `<a href="/cgi-bin/luci/${at}">${title}</a>`);
		response.setHeader('Content-Type', 'text/html; charset=utf-8');
		response.setHeader('Set-Cookie', `wb=${session}; Path=/`);
		response.end(`<!doctype html><html lang="${searchParams.get('lang') ?? 'en'}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${node.title}</title>
<style>:root{color-scheme:light dark} body{background:Canvas;color:CanvasText;font:14px sans-serif;margin:1em} .cbi-value{margin:.5em 0} #modal_overlay{display:none} .modal-overlay-active #modal_overlay{display:block} nav a{margin-right:1em} h1{font-size:1.4em}</style>
<body><nav aria-label="Menu">${tabs.join('')}</nav><main id="maincontent"><h1>LuCI</h1><div id="view"></div></main>
<script>window.WB_ENV=${JSON.stringify(environment).replace(/</g, '\\u003c')}</script><script src="/luci-static/resources/standin.js"></script></body></html>`);
	});
	return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
