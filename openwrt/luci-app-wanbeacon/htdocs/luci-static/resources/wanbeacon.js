'use strict';
'require baseclass';
'require rpc';
'require uci';

/* What all tabs share: the calls, the words, and how values look. Data is always a text node: never hand a bare string
   that is not ours to E(), which would read it as HTML. */

/* The page and the agent are released together. */
const VERSION = '0.1.0';

const call = (object, method, params) => rpc.declare({ object, method, params, reject: true });

const agent = {
	status: call('wanbeacon', 'status'),
	why: call('wanbeacon', 'why', [ 'record' ]),
	history: call('wanbeacon', 'history'),
	update: call('wanbeacon', 'update', [ 'record' ])
};

const page = {
	config: call('luci.wanbeacon', 'config'),
	check: call('luci.wanbeacon', 'check', [ 'scope', 'section', 'values', 'ask' ]),
	providers: call('luci.wanbeacon', 'providers'),
	import: call('luci.wanbeacon', 'import'),
	takeOver: call('luci.wanbeacon', 'take_over')
};

const hosts = rpc.declare({ object: 'luci-rpc', method: 'getHostHints', expect: { '': {} } });

/* What the agent says comes next, so that it can be translated. */
const NEXT = [
	_('the provider\'s limits allow the next request'),
	_('the update is tried again'),
	_('the provider wants a confirmation from time to time'),
	_('the address is confirmed once more, since an older request was never answered'),
	_('the second family is waited for'),
	_('a better line is returned to, once it has been usable for long enough'),
	_('the name loses its last address, unless there is a new one before'),
	_('how we are seen from outside is asked again'),
	_('the zone\'s name servers are asked what they show'),
	_('an answer that nobody needs any more is given up'),
	_('the provider\'s answer is waited for'),
	_('nothing, until the configuration changes'),
	_('an address that may be published is waited for'),
	_('nothing, until the address changes')
];

function duration(ms) {
	if (ms == null)
		return '–';
	if (ms < 1000)
		return _('%d ms').format(Math.round(ms));
	const s = Math.round(ms / 1000);
	if (s < 60)
		return ms < 10000 ? _('%.1f s').format(ms / 1000) : _('%d s').format(s);
	if (s < 3600)
		return _('%d min').format(Math.floor(s / 60));
	if (s < 86400)
		return _('%d h %d min').format(Math.floor(s / 3600), Math.floor(s % 3600 / 60));
	return _('%d d %d h').format(Math.floor(s / 86400), Math.floor(s % 86400 / 3600));
}

function moment(seconds) {
	if (seconds == null)
		return _('before the clock was set');
	return new Date(seconds * 1000).toLocaleString(document.documentElement.lang || undefined,
		{ dateStyle: 'medium', timeStyle: 'medium' });
}

function family(word) {
	return word == 'v4' ? 'IPv4' : 'IPv6';
}

/* How a record is: a key for the colour, a sign that reads without one, and words. */
function state(record) {
	const names = record.names ?? [];
	const some = (word) => names.some((name) => name.state == word);
	const last = record.last_answer ?? '';

	if (record.off)
		return { key: 'off', sign: '○', words: _('Switched off') };
	if (record.missing)
		return { key: 'waiting', sign: '◷', words: _('Not taken over by the agent yet') };
	if (some('parked'))
		return { key: 'parked', sign: '✖', words: _('Refused by the provider') };
	if (some('in-flight'))
		return { key: 'updating', sign: '↻', words: _('Updating') };
	if (some('waiting') || some('due'))
		return { key: 'waiting', sign: '◷', words: /clock/.test(last) ? _('Waiting for the clock') : _('Waiting for the provider') };
	if ((record.sources ?? []).every((source) => source.candidate == null))
		return { key: 'waiting', sign: '◷', words: _('Waiting for the line') };
	if (names.some((name) => name.shown))
		return { key: 'waiting', sign: '◷', words: _('Published, but not shown by the name servers') };
	return { key: 'published', sign: '✔', words: _('Published') };
}

/* Why there is no answer, for a person. */
function trouble(error) {
	const words = String(error?.message ?? error);
	if (/-32000/.test(words))
		return _('The agent is not running, or not on ubus. Start it under System → Startup, or look into the log.');
	if (/-32002|denied|code 6\b/i.test(words))
		return _('This account may not do that.');
	/* LuCI adds where in its own code it noticed. */
	return words.replace(/ at \S+ \(https?:.*$/s, '');
}

/* What a call tells, for who may write; else why nothing is told. */
function told(call) {
	return L.hasViewPermission() === true ? call().catch((error) => ({ error: trouble(error) })) : Promise.resolve({ error: _('This account may not do that.') });
}

function message(kind, children) {
	return E('div', { 'class': `alert-message ${kind}`, 'role': kind == 'success' ? 'status' : 'alert' }, children);
}

function button(kind, words, click, extra) {
	return E('button', Object.assign({
		'type': 'button', 'class': `btn cbi-button cbi-button-${kind}`,
		'click': (ev) => {
			const node = ev.currentTarget;
			node.disabled = true;
			return Promise.resolve(click(ev)).finally(() => node.disabled = false);
		}
	}, extra), [ words ]);
}

function field(label, input, help, id) {
	return E('div', { 'class': 'cbi-value' }, [
		E('label', { 'class': 'cbi-value-title', 'for': id }, [ label ]),
		E('div', { 'class': 'cbi-value-field' }, [
			input,
			E('div', { 'class': 'cbi-value-description', 'id': `${id}-help` }, help ? [ help ] : []),
			E('div', { 'class': 'wb-mistake', 'id': `${id}-mistake`, 'role': 'alert' })
		])
	]);
}

function style() {
	return E('link', { 'rel': 'stylesheet', 'href': L.resource('wanbeacon.css') });
}

/* Only what a link of the web may be: an address that comes from an entry of the user's own could be anything. */
function link(url, words) {
	return (/^https?:\/\//).test(url ?? '') ? E('a', { 'href': url, 'target': '_blank', 'rel': 'noreferrer noopener' }, [ words ]) : '';
}

/* Writes a section, which is new if there was none: texts and lists are set, what is empty is taken away. Applied with rpcd's
   rollback, as everywhere in LuCI. */
async function save(section, name, type, values) {
	const isEmpty = (value) => value == null || value.length === 0;
	const all = Object.entries(values);
	const set = Object.fromEntries(all.filter(([ , value ]) => !isEmpty(value)));
	/* rpcd refuses to take away what is not there. */
	const there = section ? Object.keys(section.options).concat(section.secrets) : [];
	const gone = all.filter(([ option, value ]) => isEmpty(value) && there.includes(option)).map(([ option ]) => option);
	if (!section)
		await uci.callAdd('wanbeacon', type, name, set);
	else if (Object.keys(set).length)
		await uci.callSet('wanbeacon', section.name, set);
	if (gone.length)
		await uci.callDelete('wanbeacon', section.name, gone);
	await uci.apply();
}

async function remove(name) {
	await uci.callDelete('wanbeacon', name);
	await uci.apply();
}

return baseclass.extend({
	agent, page, hosts, VERSION,
	duration, moment, family, state, trouble, told, message, button, field, style, link, save, remove,

	next: (words) => NEXT.includes(words) ? _(words) : words,

	/* Whether the agent is of another release than the page. */
	isOther: (status) => status.version !== VERSION,

	mayWrite: () => L.hasViewPermission() === true
});
