'use strict';
/* Stands in for LuCI's runtime (luci.js, ui.js, rpc.js, uci.js, fs.js, cbi.js of early 2026), as far as the page uses it. What
   can hurt is as there: a bare string that is handed to E() or to a modal's title is read as HTML. */

const env = window.WB_ENV;

String.prototype.format = function(...args) {
	return this.replace(/%(?:\.(\d+))?([sdfh%])/g, (all, digits, kind) => {
		if (kind == '%')
			return '%';
		const value = args.shift();
		return kind == 'd' ? String(Math.trunc(value)) : kind == 'f' ? Number(value).toFixed(digits ?? 6) : String(value);
	});
};

window._ = (text) => env.strings[text] ?? text;

const dom = {
	append(node, children) {
		if (Array.isArray(children))
			for (const child of children)
				child instanceof Node ? node.appendChild(child) : child != null && node.appendChild(document.createTextNode(`${child}`));
		else if (children instanceof Node)
			node.appendChild(children);
		else if (children != null)
			node.innerHTML = `${children}`;
	},
	attr(node, attributes) {
		for (const [ key, value ] of Object.entries(attributes ?? {}))
			if (typeof value == 'function')
				node.addEventListener(key, value);
			else if (value != null)
				node.setAttribute(key, typeof value == 'object' ? JSON.stringify(value) : value);
	},
	create(name, attributes, children) {
		const node = document.createElement(name);
		this.attr(node, attributes);
		this.append(node, children);
		return node;
	}
};

window.E = (name, attributes, children) => dom.create(name, attributes, children);

window.L = {
	env,
	resource: (path) => `/luci-static/resources/${path}`,
	url: (path) => `/cgi-bin/luci/${path}`,
	hasViewPermission: () => env.readonly ? false : true
};

const extend = (properties) => Object.assign(Object.create({ super() {} }), properties);

let id = 1, batch = [];

/* As there, calls of one turn of the event loop go out in one request. */
function post(call) {
	return new Promise((resolve, reject) => {
		batch.push({ call, resolve, reject });
		if (batch.length > 1)
			return;
		setTimeout(async () => {
			const sent = batch;
			batch = [];
			try {
				const response = await fetch(`/ubus/?${Date.now()}`, { method: 'POST', body: JSON.stringify(sent.map((one) => one.call)) });
				const answers = await response.json();
				sent.forEach((one, at) => one.resolve(answers[at]));
			} catch (error) {
				sent.forEach((one) => one.reject(error));
			}
		});
	});
}

const rpc = {
	declare({ object, method, params, expect, reject }) {
		return async (...args) => {
			const named = Object.fromEntries((params ?? []).map((name, at) => [ name, args[at] ]).filter(([ , value ]) => value !== undefined));
			const answer = await post({ jsonrpc: '2.0', id: id++, method: 'call', params: [ env.session, object, method, named ] });
			if (answer.error) {
				if (!reject)
					return Object.values(expect ?? { '': null })[0];
				throw new Error(`RPC call to ${object}/${method} failed with error ${answer.error.code}: ${answer.error.message}`);
			}
			const [ status, data ] = answer.result;
			if (status != 0 && reject)
				throw new Error(`RPC call to ${object}/${method} failed with ubus code ${status}: ${data?.error ?? ''}`);
			const [ key, fallback ] = Object.entries(expect ?? {})[0] ?? [ '', undefined ];
			const value = key == '' ? data : data?.[key];
			return value ?? fallback ?? status;
		};
	}
};

const uci = {
	callAdd: rpc.declare({ object: 'uci', method: 'add', params: [ 'config', 'type', 'name', 'values' ], expect: { section: '' }, reject: true }),
	callSet: rpc.declare({ object: 'uci', method: 'set', params: [ 'config', 'section', 'values' ], reject: true }),
	callDelete: rpc.declare({ object: 'uci', method: 'delete', params: [ 'config', 'section', 'options' ], reject: true }),
	callApply: rpc.declare({ object: 'uci', method: 'apply', params: [ 'timeout', 'rollback' ], reject: true }),
	callConfirm: rpc.declare({ object: 'uci', method: 'confirm', reject: true }),
	async apply() {
		await this.callApply(10, true);
		setTimeout(() => this.callConfirm(), 1000);
	}
};

const ui = {
	showModal(title, children, ...classes) {
		let overlay = document.getElementById('modal_overlay');
		if (!overlay)
			document.body.append(overlay = E('div', { 'id': 'modal_overlay', 'tabindex': '-1' }, [ E('div', { 'class': 'modal', 'role': 'dialog', 'aria-modal': 'true' }) ]));
		const dialog = overlay.firstElementChild;
		dialog.className = [ 'modal', ...classes ].join(' ');
		dialog.replaceChildren(E('h4', {}, title));
		dom.append(dialog, children);
		document.body.classList.add('modal-overlay-active');
		overlay.focus();
		return dialog;
	},
	hideModal() {
		document.body.classList.remove('modal-overlay-active');
	},
	addNotification(title, children, ...classes) {
		const node = E('div', { 'class': [ 'alert-message', ...classes ].join(' ') });
		if (title != null)
			dom.append(node, E('h4', {}, title));
		dom.append(node, children);
		document.getElementById('maincontent').prepend(node);
	}
};

const poll = {
	add(what, seconds) {
		// As fast as the specs want it.
		setInterval(what, Math.min(seconds * 1000, env.refresh ?? Infinity));
	}
};

const fs = {
	async exec_direct(command, args) {
		const line = [ command, ...args ].join(' ');
		const response = await fetch('/cgi-bin/cgi-exec', { method: 'POST', body: new URLSearchParams({ sessionid: env.session, command: line }) });
		if (!response.ok)
			throw new Error('Access to path denied by ACL');
		return response.text();
	}
};

const modules = { baseclass: { extend }, view: { extend }, rpc, uci, ui, poll, fs };

async function load(name) {
	if (modules[name])
		return modules[name];
	const text = await (await fetch(`/luci-static/resources/${name.replace(/\./g, '/')}.js`)).text();
	const names = [], values = [];
	for (const [ , wanted, as ] of text.matchAll(/^'require (\S+?)(?: as (\S+))?';$/gm)) {
		names.push(as ?? wanted.split('.').pop());
		values.push(await load(wanted));
	}
	return modules[name] = new Function(...names, text)(...values);
}

addEventListener('DOMContentLoaded', async () => {
	const view = await load(env.view.replace('/', '.').replace(/^/, 'view.'));
	const data = await view.load();
	const place = document.getElementById('view');
	dom.append(place, [ await view.render(data) ]);
	place.dataset.ready = '1';
});
