'use strict';
'require view';
'require wanbeacon as wb';

const DAYS = 30;
const WIDTH = 760, HEIGHT = 240, LEFT = 56, RIGHT = 12, TOP = 12, BOTTOM = 28;
/* Milliseconds from left to right are the month, from bottom to top a millisecond to a minute and more, by powers of ten. */
const TICKS = [ 1, 10, 100, 1000, 10000, 100000 ];

const svg = (name, attributes, children) => {
	const node = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const [ key, value ] of Object.entries(attributes ?? {}))
		node.setAttribute(key, value);
	node.append(...(children ?? []));
	return node;
};

const height = (ms) => {
	const part = Math.log10(Math.min(Math.max(ms, TICKS[0]), TICKS.at(-1))) / (TICKS.length - 1);
	return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
};

return view.extend({
	handleSaveApply: null,
	handleSave: null,
	handleReset: null,

	load() {
		return wb.agent.history().catch((error) => ({ error }));
	},

	render({ error, changes }) {
		const all = (changes ?? []).slice().reverse();
		return E('div', { 'class': 'cbi-map' }, [
			wb.style(),
			E('h2', {}, [ _('History') ]),
			E('div', { 'class': 'cbi-map-descr' }, [ _('Address changes of the last 30 days, and how long each took from the kernel\'s event to the provider\'s answer.') ]),
			...(error ? [ wb.message('error', [ wb.trouble(error) ]) ] : []),
			...(all.length ? [ this.chart(all), this.table(all) ] : error ? [] : [ E('p', {}, [ _('No address has changed yet.') ]) ])
		]);
	},

	words(change) {
		return [
			wb.moment(change.at), change.names.join(', '), `${change.previous ?? '–'} → ${change.address}`,
			change.event_ms == null ? _('not after an event of the kernel') : wb.duration(change.event_ms)
		].join(' · ');
	},

	chart(changes) {
		const now = Date.now() / 1000, begin = now - DAYS * 86400;
		const x = (at) => LEFT + Math.min(Math.max((at - begin) / (now - begin), 0), 1) * (WIDTH - LEFT - RIGHT);
		const said = E('p', { 'aria-live': 'polite', 'class': 'wb-quiet' }, [ _('Point at a mark, or tap it, to read what it was. Circles are IPv4, squares IPv6.') ]);
		const chart = svg('svg', { 'viewBox': `0 0 ${WIDTH} ${HEIGHT}`, 'class': 'wb-chart', 'role': 'group', 'aria-label': _('Address changes by day and duration') });
		for (const ms of TICKS)
			chart.append(
				svg('line', { 'class': 'wb-grid', 'x1': LEFT, 'x2': WIDTH - RIGHT, 'y1': height(ms), 'y2': height(ms) }),
				svg('text', { 'x': LEFT - 6, 'y': height(ms) + 4, 'text-anchor': 'end' }, [ wb.duration(ms) ]));
		for (let day = 0; day <= DAYS; day += 5) {
			const at = now - day * 86400;
			chart.append(svg('text', { 'x': x(at), 'y': HEIGHT - 8, 'text-anchor': day ? 'middle' : 'end' },
				[ new Date(at * 1000).toLocaleDateString(document.documentElement.lang || undefined, { day: 'numeric', month: 'numeric' }) ]));
		}
		for (const change of changes.filter((change) => change.at != null)) {
			const cx = x(change.at), cy = height(change.event_ms ?? TICKS[0]), words = this.words(change);
			const attributes = { 'class': `wb-mark wb-${change.family}`, 'tabindex': '0', 'role': 'img', 'aria-label': words };
			const mark = change.family == 'v4'
				? svg('circle', Object.assign({ cx, cy, 'r': 5 }, attributes), [ svg('title', {}, [ words ]) ])
				: svg('rect', Object.assign({ 'x': cx - 4.5, 'y': cy - 4.5, 'width': 9, 'height': 9 }, attributes), [ svg('title', {}, [ words ]) ]);
			for (const event of [ 'mouseenter', 'focus', 'click' ])
				mark.addEventListener(event, () => said.textContent = words);
			chart.append(mark);
		}
		return E('div', {}, [ chart, said ]);
	},

	table(changes) {
		const head = [ _('When'), _('Names'), _('Before'), _('Now'), _('Took') ];
		return E('div', { 'class': 'wb-scroll', 'tabindex': '0', 'role': 'region', 'aria-label': _('All changes') }, [
			E('table', { 'class': 'table cbi-section-table' }, [
				E('tr', { 'class': 'tr table-titles' }, head.map((words) => E('th', { 'class': 'th', 'scope': 'col' }, [ words ]))),
				...changes.map((change) => E('tr', { 'class': 'tr' }, [
					wb.moment(change.at), change.names.join(', '), change.previous ?? '–', change.address, wb.duration(change.event_ms)
				].map((text, column) => E('td', { 'class': 'td', 'data-title': head[column] }, [ text ]))))
			])
		]);
	}
});
