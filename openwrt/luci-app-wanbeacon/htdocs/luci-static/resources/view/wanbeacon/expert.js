'use strict';
'require view';
'require wanbeacon as wb';

/* Every option that there is, from the agent's own table: nothing here knows one of them. */
return view.extend({
	handleSaveApply: null,
	handleSave: null,
	handleReset: null,

	load() {
		return wb.told(wb.page.config);
	},

	render({ error, sections, options, mistakes }) {
		this.options = options ?? [];
		const global = (sections ?? []).find((section) => section.type == 'global');
		const records = (sections ?? []).filter((section) => section.type == 'record');
		return E('div', { 'class': 'cbi-map wb-form' }, [
			wb.style(),
			E('h2', {}, [ _('Expert') ]),
			E('div', { 'class': 'cbi-map-descr' }, [ _('Everything in /etc/config/wanbeacon. A list has one value on each line; what is empty has its default.') ]),
			...(error ? [ wb.message('error', [ error ]) ] : []),
			...(mistakes ?? []).map((mistake) => wb.message(mistake.is_error ? 'error' : 'warning', [ mistake.what ])),
			...(error ? [] : [ this.section(_('For the whole agent'), 'global', global) ]),
			...records.map((record) => this.section(record.name, 'record', record))
		]);
	},

	section(title, scope, section) {
		const known = this.options.filter((option) => option.scope == scope);
		const unknown = Object.keys(section?.options ?? {}).concat(section?.secrets ?? []).filter((name) => !known.some((option) => option.name == name))
			.map((name) => ({ name, type: _('unknown option'), doc: _('The agent knows no such option: empty it.'), default: '', words: [], is_secret: section.secrets.includes(name) }));
		const fields = known.concat(unknown).map((option) => this.field(option, section));
		const result = E('div', { 'aria-live': 'polite' });
		const save = wb.button('apply', _('Save'), () => this.save(scope, section, fields, result), { 'aria-label': `${_('Save')}: ${title}` });
		return E('details', { 'class': 'cbi-section', 'data-section': section?.name ?? scope }, [
			E('summary', {}, [ title ]), ...fields.map((field) => field.node), save, result ]);
	},

	field(option, section) {
		const id = `wb-${section?.name ?? 'global'}-${option.name}`;
		const isSaved = option.is_secret && section?.secrets?.includes(option.name);
		const before = section?.options?.[option.name];
		const text = [].concat(before ?? []).join('\n');
		const isList = Array.isArray(before) || /list/.test(option.type);
		let input;
		if (option.words.length || option.is_flag) {
			const words = option.is_flag ? [ '1', '0' ] : option.words;
			const shown = { '1': _('yes'), '0': _('no') };
			const others = text == '' || words.includes(text) ? [] : [ text ];
			input = E('select', { 'id': id, 'class': 'cbi-input-select' }, [ '', ...words, ...others ].map((word) =>
				E('option', Object.assign({ 'value': word }, word == text ? { 'selected': '' } : {}), [ option.is_flag ? shown[word] ?? word : word ])));
		} else if (isList)
			input = E('textarea', { 'id': id, 'rows': 2, 'class': 'cbi-input-textarea', 'placeholder': isSaved ? _('saved; leave empty to keep it') : '' }, [ text ]);
		else
			input = E('input', { 'id': id, 'type': option.is_secret ? 'password' : 'text', 'autocomplete': 'new-password', 'class': 'cbi-input-text',
				'placeholder': isSaved ? _('saved; leave empty to keep it') : '', 'value': text });
		const forget = isSaved ? E('input', { 'type': 'checkbox', 'id': `${id}-forget` }) : null;
		const help = [ _(option.doc), ` (${option.type}${option.default ? `; ${_('default: %s').format(option.default)}` : ''})` ].join('');
		const node = wb.field(option.name, forget
			? E('div', {}, [ input, E('label', { 'for': `${id}-forget` }, [ forget, ' ', _('take it away') ]) ])
			: input, help, id);
		/* Undefined: as it was. Null: taken away. */
		const value = () => {
			if (forget?.checked)
				return null;
			const now = isList ? input.value.split('\n').map((line) => line.trim()).filter(Boolean) : input.value.trim();
			const is = [].concat(now).join('\n');
			if (is == text)
				return undefined;
			return is == '' ? null : isList ? now : is;
		};
		return { option, id, node, value };
	},

	async save(scope, section, fields, result) {
		const values = {};
		for (const { option, value, id } of fields) {
			document.getElementById(`${id}-mistake`).textContent = '';
			if (value() !== undefined)
				values[option.name] = value();
		}
		if (!Object.keys(values).length)
			return result.replaceChildren(wb.message('notice', [ _('Nothing was changed.') ]));
		try {
			if (!await this.passes(scope, section, values, fields, result))
				return;
			await wb.save(section, 'global', scope, values);
			result.replaceChildren(wb.message('success', [ _('Saved.') ]));
			window.setTimeout(() => location.reload(), 1500);
		} catch (error) {
			result.replaceChildren(wb.message('error', [ wb.trouble(error) ]));
		}
	},

	async passes(scope, section, values, fields, result) {
		const whole = Object.assign({}, section?.options, values);
		const texts = Object.fromEntries(Object.entries(whole).map(([ option, value ]) => [ option, value ?? [] ]));
		const answer = await wb.page.check(scope, section?.name ?? '', texts, false);
		const wrong = (answer.mistakes ?? []).filter((mistake) => mistake.is_error);
		const elsewhere = [];
		for (const { option, what, mend } of wrong) {
			const place = fields.find((field) => field.option.name == option);
			const words = [ what, mend ].filter(Boolean).join('\n');
			if (place)
				document.getElementById(`${place.id}-mistake`).textContent = words;
			else
				elsewhere.push(E('p', {}, [ words ]));
		}
		result.replaceChildren(...(wrong.length ? [ wb.message('error', [ _('Not saved.'), ...elsewhere ]) ] : []));
		return !wrong.length;
	}
});
