'use strict';
'require view';
'require poll';
'require ui';
'require wanbeacon as wb';

/* How often the status is asked for, in seconds. */
const REFRESH = 5;

const fact = (name, ...children) => [ E('dt', {}, [ name ]), E('dd', {}, children) ];

return view.extend({
	handleSaveApply: null,
	handleSave: null,
	handleReset: null,

	load() {
		return Promise.all([
			wb.agent.status().catch((error) => ({ error })),
			wb.mayWrite() ? wb.page.config().catch((error) => ({ error })) : null
		]);
	},

	render([ status, config ]) {
		this.config = config;
		this.head = E('div', { 'aria-live': 'polite' });
		this.list = E('div', {});
		this.cards = new Map();
		this.show(status);
		poll.add(() => wb.agent.status().catch((error) => ({ error })).then((status) => this.show(status)), REFRESH);
		return E('div', { 'class': 'cbi-map' }, [
			wb.style(),
			E('h2', {}, [ _('Dynamic DNS') ]),
			E('div', { 'class': 'cbi-map-descr' }, [ _('Names of this line, as they are published now.') ]),
			this.head, this.list
		]);
	},

	/* Shows a status in the cards that are there, so that neither focus nor reading position is lost. */
	show(status) {
		const head = this.notes(status);
		const key = JSON.stringify(head.map((node) => node.textContent));
		if (key != this.noted) {
			this.noted = key;
			this.head.replaceChildren(...head);
		}
		const records = status.error ? (this.last ?? []) : this.merge(status.records);
		this.last = records;
		for (const [ name, card ] of this.cards)
			if (!records.some((record) => record.record == name)) {
				card.node.remove();
				this.cards.delete(name);
			}
		records.forEach((record, at) => {
			let card = this.cards.get(record.record);
			if (!card)
				this.cards.set(record.record, card = this.card(record));
			this.fill(card, record, !!status.error);
			/* A node that is moved loses the focus. */
			if (this.list.children[at] != card.node)
				this.list.insertBefore(card.node, this.list.children[at] ?? null);
		});
		this.empty?.remove();
		if (!records.length && !status.error) {
			this.empty = E('p', {}, [ _('There is no record yet.'), ' ', wb.mayWrite()
				? E('a', { 'href': L.url('admin/services/wanbeacon/setup') }, [ _('Set up the first one') ]) : '' ]);
			this.list.append(this.empty);
		}
	},

	notes(status) {
		const notes = [];
		const wrong = (this.config?.mistakes ?? []).filter((mistake) => mistake.is_error);
		if (status.error)
			notes.push(wb.message('error', [ wb.trouble(status.error) ]));
		else if (wb.isOther(status))
			notes.push(wb.message('warning', [ _('The agent (%s) and this page (%s) are of different releases. Restart the agent, or load the page anew.')
				.format(status.version ?? _('older')  , wb.VERSION) ]));
		if (this.config?.error)
			notes.push(wb.message('error', [ _('The configuration cannot be read:'), ' ', wb.trouble(this.config.error) ]));
		if (wrong.length)
			notes.push(wb.message('error', [ _('The configuration is wrong and not in use:'),
				E('ul', {}, wrong.map((mistake) => E('li', {}, [ mistake.what ]))) ]));
		if (this.config?.ddns_scripts && !this.config.sections?.some((section) => section.type == 'record'))
			notes.push(wb.message('notice', [ _('ddns-scripts is configured on this router.'), ' ',
				E('a', { 'href': L.url('admin/services/wanbeacon/import') }, [ _('Take its records over') ]) ]));
		return notes;
	},

	/* What runs, and what is written but rests. */
	merge(records) {
		const written = (this.config?.sections ?? []).filter((section) => section.type == 'record');
		const rests = written.filter((section) => !records.some((record) => record.record == section.name));
		return records.concat(rests.map(({ name, options }) => ({
			record: name,
			provider: options.provider,
			written: [].concat(options.hostname ?? []),
			off: [ '0', 'no', 'off', 'false', 'disabled' ].includes(options.enabled),
			missing: true
		}))).sort((a, b) => a.record < b.record ? -1 : 1);
	},

	card({ record }) {
		const title = E('h3', { 'id': `wb-${record}` });
		const state = E('p', { 'class': 'wb-state' });
		const facts = E('dl', { 'class': 'wb-facts' });
		const buttons = E('div', { 'class': 'wb-buttons' });
		const node = E('section', { 'class': 'wb-card', 'aria-labelledby': `wb-${record}`, 'data-record': record },
			[ title, state, facts, buttons ]);
		return { node, title, state, facts, buttons };
	},

	fill(card, record, isOld) {
		const names = record.written ?? [ ...new Set(record.names.map((name) => name.name)) ];
		const { key, sign, words } = wb.state(record);
		const age = (since) => since == null ? '' : _('since %s (%s)').format(wb.moment(since), wb.duration(Date.now() - since * 1000));

		/* All but what only time changes. */
		const shape = JSON.stringify([ record, isOld ], (name, value) => name == 'next_in_ms' ? undefined : value);
		if (shape != card.shape) {
			card.shape = shape;
			card.node.className = `wb-card wb-${key}`;
			card.title.replaceChildren(document.createTextNode(names.join(', ') || record.record));
			card.state.replaceChildren(document.createTextNode(`${sign} ${words}${isOld ? ` (${_('as last seen')})` : ''}`));
			card.ages = [];
			card.facts.replaceChildren(...this.facts(card, record, names));
			this.buttons(card, record);
		}
		for (const { node, since } of card.ages)
			node.textContent = age(since);
		if (card.next)
			card.next.textContent = record.next_in_ms == null ? '' : _('in %s').format(wb.duration(record.next_in_ms));
	},

	facts(card, record, names) {
		const facts = [ ...fact(_('Record'), record.record), ...fact(_('Provider'), record.provider ?? '–') ];
		for (const name of record.names ?? []) {
			const since = E('span', { 'class': 'wb-quiet' });
			card.ages.push({ node: since, since: name.published ? name.since : null });
			const whose = names.length > 1 ? [ name.name, E('br') ] : [];
			facts.push(...fact(wb.family(name.family), ...whose, name.published ?? _('not published'), ' ', since));
			if (name.parked)
				facts.push(...fact(_('The provider says'), E('strong', {}, [ name.parked ])),
					...fact(_('What to do'), name.advice ?? ''));
			if (name.shown)
				facts.push(...fact(_('Name servers'), name.shown));
		}
		for (const source of record.sources ?? []) {
			const why = (source.rejected ?? [])[0];
			if (source.nat)
				facts.push(...fact(_('The line'), source.nat));
			if (source.candidate == null && why)
				facts.push(...fact(_('No %s, because').format(wb.family(source.family)), [ why.address, why.reason ].filter(Boolean).join(': ')));
		}
		if (record.event_to_answer_ms != null)
			facts.push(...fact(_('Last change'), _('answered by the provider after %s').format(wb.duration(record.event_to_answer_ms))));
		if (record.last_answer && wb.state(record).key == 'waiting')
			facts.push(...fact(_('Last answer'), record.last_answer));
		card.next = null;
		if (record.next) {
			card.next = E('span', { 'class': 'wb-quiet' });
			facts.push(...fact(_('Next'), wb.next(record.next), ' ', card.next));
		}
		return facts;
	},

	buttons(card, record) {
		const focused = card.buttons.contains(document.activeElement) ? document.activeElement.dataset.does : null;
		const about = (words) => ({ 'aria-label': `${words}: ${record.record}` });
		const make = (does, kind, words, click) => wb.button(kind, words, click, Object.assign({ 'data-does': does }, about(words)));
		const all = [];
		if (!record.missing && wb.mayWrite())
			all.push(make('update', 'action', _('Update now'), () => this.act(() => wb.agent.update(record.record))));
		if (!record.missing)
			all.push(make('why', 'neutral', _('Why?'), () => this.why(record.record)));
		if (wb.mayWrite()) {
			all.push(make('edit', 'edit', _('Edit'), () => { location.href = `${L.url('admin/services/wanbeacon/setup')}?record=${encodeURIComponent(record.record)}`; }));
			all.push(record.off
				? make('switch', 'apply', _('Enable'), () => this.act(() => this.enable(record.record, '1')))
				: make('switch', 'reset', _('Disable'), () => this.act(() => this.enable(record.record, '0'))));
		}
		card.buttons.replaceChildren(...all);
		if (focused)
			card.buttons.querySelector(`[data-does="${focused}"]`)?.focus();
	},

	async enable(record, enabled) {
		await wb.save(this.config.sections.find((section) => section.name == record), record, 'record', { enabled });
		this.config = await wb.page.config();
	},

	act(what) {
		return what().then(() => wb.agent.status()).then((status) => this.show(status))
			.catch((error) => ui.addNotification(null, E('p', {}, [ wb.trouble(error) ]), 'error'));
	},

	async why(record) {
		const opener = document.activeElement;
		const close = () => { ui.hideModal(); opener?.focus(); };
		const shut = E('div', { 'class': 'right' }, [ wb.button('neutral', _('Close'), close) ]);
		let children;
		try {
			const why = await wb.agent.why(record);
			children = [
				E('p', { 'class': 'wb-quiet' }, [ _('From the address change to the provider\'s answer, and what the name servers show. Secrets are ***.') ]),
				...this.candidates(why.record.sources ?? []),
				E('ol', { 'class': 'wb-steps', 'tabindex': '0', 'aria-label': _('Timeline') }, (why.steps ?? []).map((step) => this.step(step)))
			];
		} catch (error) {
			children = [ wb.message('error', [ wb.trouble(error) ]) ];
		}
		ui.showModal(_('Last change'), [ E('p', {}, [ E('strong', {}, [ record ]) ]), ...children, shut ], 'cbi-modal');
		shut.querySelector('button').focus();
	},

	candidates(sources) {
		return sources.map((source) => E('p', {}, [
			E('strong', {}, [ wb.family(source.family), ' ', source.origin ?? '', ' ' ]),
			source.candidate ?? _('no address to publish'),
			...(source.rejected ?? []).flatMap((rejected) => [ E('br'), [ rejected.address, rejected.reason ].filter(Boolean).join(': ') ])
		]));
	},

	step({ at_ms, what, exchange }) {
		const children = [ E('span', { 'class': 'wb-at' }, [ `+${wb.duration(at_ms)}` ]), what ];
		if (exchange) {
			const part = (words, ms) => ms ? `${words} ${wb.duration(ms)}` : null;
			const times = [ part(_('name'), exchange.resolve_ms), part('TCP', exchange.connect_ms), part('TLS', exchange.tls_ms), part(_('answer'), exchange.answer_ms) ];
			children.push(
				E('pre', { 'class': 'wb-raw' }, [ exchange.request ?? '' ]),
				E('pre', { 'class': 'wb-raw' }, [ [ exchange.status, exchange.answer ].filter(Boolean).join(' ') ]),
				E('span', { 'class': 'wb-quiet' }, [ [ exchange.endpoint, ...times ].filter(Boolean).join(' · ') ]));
		}
		return E('li', {}, children);
	}
});
