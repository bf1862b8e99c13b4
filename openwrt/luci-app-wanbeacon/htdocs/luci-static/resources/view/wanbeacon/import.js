'use strict';
'require view';
'require wanbeacon as wb';

return view.extend({
	handleSaveApply: null,
	handleSave: null,
	handleReset: null,

	load() {
		return wb.told(wb.page.import);
	},

	render({ error, entries, remarks }) {
		const result = E('div', { 'aria-live': 'polite' });
		const some = (entries ?? []).some((entry) => !entry.failure && !entry.exists);
		return E('div', { 'class': 'cbi-map' }, [
			wb.style(),
			E('h2', {}, [ _('Import from ddns-scripts') ]),
			E('div', { 'class': 'cbi-map-descr' }, [ _('What is in /etc/config/ddns, and what becomes of it here. That file is not changed; switch ddns-scripts off afterwards, so that not both send updates.') ]),
			...(error ? [ wb.message('error', [ error ]) ] : []),
			...this.remarks(remarks),
			...(entries ?? []).map((entry) => this.entry(entry)),
			...(!error && !entries?.length ? [ E('p', {}, [ _('There is no entry in it.') ]) ] : []),
			...(some ? [ E('div', { 'class': 'wb-buttons' }, [ wb.button('apply', _('Take over'), () => this.takeOver(result)) ]) ] : []),
			result
		]);
	},

	remarks(remarks) {
		return remarks?.length ? [ E('p', {}, [ _('Not carried over:') ]), E('ul', {}, remarks.map((words) => E('li', {}, [ words ]))) ] : [];
	},

	entry({ origin, name, options, remarks, failure, exists }) {
		const [ key, words ] = failure ? [ 'parked', `✖ ${_('Cannot be taken over:')} ${failure}` ]
			: exists ? [ 'off', `○ ${_('There is a record of this name already; it stays as it is.')}` ]
				: [ 'published', `✔ ${_('Will be taken over')}` ];
		return E('section', { 'class': `wb-card wb-${key}`, 'aria-label': name }, [
			E('h3', {}, [ name ]),
			E('p', { 'class': 'wb-quiet' }, [ origin ]),
			E('p', { 'class': 'wb-state' }, [ words ]),
			E('dl', { 'class': 'wb-facts' }, options.flatMap(([ option, value ]) => [ E('dt', {}, [ option ]), E('dd', {}, [ value ]) ])),
			...this.remarks(remarks)
		]);
	},

	async takeOver(result) {
		try {
			const { error, added } = await wb.page.takeOver();
			result.replaceChildren(error
				? wb.message('error', [ _('Nothing was taken over:'), E('pre', { 'class': 'wb-raw' }, [ error ]) ])
				: wb.message('success', [ _('Taken over: %s').format((added ?? []).join(', ')), ' ',
					E('a', { 'href': L.url('admin/services/wanbeacon/overview') }, [ _('Overview') ]) ]));
		} catch (error) {
			result.replaceChildren(wb.message('error', [ wb.trouble(error) ]));
		}
	}
});
