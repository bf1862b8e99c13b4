'use strict';
'require view';
'require wanbeacon as wb';

/* Options of a record that this tab owns beside what a provider asks for; all others are left as they are. */
const OWN = [ 'provider', 'hostname', 'ipv4', 'ipv6', 'ipv6_host' ];

const HOSTNAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$/i;

/* What somebody looks for who has no provider yet. */
function group(provider) {
	if (provider.kind == 'own server' || provider.kind == 'dns' || provider.id == 'custom' || provider.id == 'dyndns2')
		return 2;
	return provider.zones?.length ? 0 : 1;
}

const select = (id, choices, value) => E('select', { 'id': id, 'class': 'cbi-input-select' },
	choices.map(([ key, words ]) => E('option', Object.assign({ 'value': key }, key == value ? { 'selected': '' } : {}), [ words ])));

/* A provider's words for a field, with a capital letter. */
const label = (option) => (option.label || option.option).replace(/^./, (c) => c.toUpperCase());

return view.extend({
	handleSaveApply: null,
	handleSave: null,
	handleReset: null,

	load() {
		const failed = (error) => ({ error });
		return Promise.all([
			wb.page.config().catch(failed),
			wb.page.providers().catch(failed),
			wb.agent.status().catch(failed),
			wb.hosts().catch(() => ({}))
		]);
	},

	render([ config, { providers, error }, status, hosts ]) {
		const failure = config.error ?? error;
		const name = new URLSearchParams(location.search).get('record');
		if (failure || !wb.mayWrite())
			return E('div', { 'class': 'cbi-map' }, [ wb.style(), E('h2', {}, [ _('Set up a record') ]),
				wb.message('error', [ failure ? wb.trouble(failure) : _('This account may not do that.') ]) ]);

		this.sections = config.sections ?? [];
		this.section = this.sections.find((section) => section.type == 'record' && section.name == name);
		this.written = this.section?.options ?? {};
		this.secrets = this.section?.secrets ?? [];
		this.providers = providers ?? [];
		this.networks = (status.networks ?? []).map((network) => network.network).filter((network) => network != 'loopback');
		this.hosts = hosts ?? {};
		this.groups = [ _('Free names'), _('Own domain'), _('Own server, and others') ];
		this.fields = E('div', { 'class': 'cbi-section' });
		this.result = E('div', { 'aria-live': 'polite' });
		this.choose(this.providers.find((provider) => provider.id == this.written.provider));

		return E('div', { 'class': 'cbi-map wb-form' }, [
			wb.style(),
			E('h2', {}, [ this.section ? _('Edit a record') : _('Set up a record') ]),
			...(name && !this.section ? [ wb.message('warning', [ _('There is no such record; this will be a new one.') ]) ] : []),
			this.picker(),
			this.fields, this.result
		]);
	},

	picker() {
		const list = E('div', { 'class': 'wb-choice', 'id': 'wb-providers' });
		const search = E('input', { 'type': 'text', 'class': 'cbi-input-text', 'id': 'wb-search', 'autocomplete': 'off', 'placeholder': _('Name or domain') });
		const fill = () => {
			const words = search.value.trim().toLowerCase();
			const fits = (provider) => [ provider.id, provider.name, ...(provider.zones ?? []) ].some((text) => text?.toLowerCase().includes(words));
			const found = this.providers.filter(fits);
			list.replaceChildren(...this.groups.map((title, number) => this.choices(title, found.filter((provider) => group(provider) == number))).filter(Boolean));
			if (!found.length)
				list.append(E('p', {}, [ _('None is called so. With "custom" any update URL can be used, with "dyndns2" any server of that protocol.') ]));
		};
		search.addEventListener('input', fill);
		fill();
		const open = E('details', this.provider ? {} : { 'open': '' }, [
			E('summary', {}, [ _('Provider') ]), wb.field(_('Search'), search, null, 'wb-search'), list ]);
		list.addEventListener('change', (ev) => {
			this.choose(this.providers.find((provider) => provider.id == ev.target.value));
		});
		return E('div', { 'class': 'cbi-section' }, [ open ]);
	},

	choices(title, providers) {
		return providers.length ? E('fieldset', {}, [
			E('legend', {}, [ title ]),
			...providers.map((provider) => E('label', {}, [
				E('input', Object.assign({ 'type': 'radio', 'name': 'wb-provider', 'value': provider.id }, provider.id == this.provider?.id ? { 'checked': '' } : {})),
				provider.name == provider.id ? provider.id : `${provider.name} (${provider.id})`
			]))
		]) : null;
	},

	/* Shows what this provider needs, and only that. */
	choose(provider) {
		this.provider = provider;
		this.result.replaceChildren();
		if (!provider)
			return this.fields.replaceChildren();
		this.inputs = {};
		this.fields.replaceChildren(
			E('h3', {}, [ provider.name ]),
			E('p', {}, [
				wb.link(provider.docs?.[0] ?? provider.homepage, _('What the provider says about it')),
				...(provider.notes ? [ E('br'), provider.notes ] : []) ]),
			this.hostname(),
			...this.asked(provider).map((option) => this.option(option)),
			...this.origins(),
			E('div', { 'class': 'wb-buttons' }, [
				wb.button('action', _('Test'), () => this.test()),
				wb.button('apply', _('Save'), () => this.save()),
				...(this.section ? [ wb.button('remove', _('Delete'), () => this.remove()) ] : []) ]));
	},

	/* What a provider asks for beside name and addresses. Whoever names a server may have to permit plain HTTP to it. */
	asked({ options, id }) {
		const asked = (options ?? []).filter((option) => !OWN.includes(option.option));
		const has = (name) => asked.some((option) => option.option == name);
		return (has('server') || has('url')) && !has('insecure') && id != 'rfc2136' ? [ ...asked, { option: 'insecure', label: _('permit plain HTTP') } ] : asked;
	},

	hostname() {
		const { zones } = this.provider;
		const input = E('input', { 'type': 'text', 'class': 'cbi-input-text', 'id': 'wb-hostname', 'autocomplete': 'off', 'spellcheck': 'false',
			'value': [].concat(this.written.hostname ?? []).join(' '), 'aria-describedby': 'wb-hostname-help wb-hostname-mistake' });
		input.addEventListener('input', () => this.mistake('hostname', this.judge()));
		this.inputs.hostname = input;
		const help = zones?.length
			? _('Ends in %s. Several names are separated by blanks.').format(zones.slice(0, 6).map((zone) => `.${zone}`).join(', '))
			: _('The full name, like home.example.org. Several names are separated by blanks.');
		return wb.field(_('Name'), input, help, 'wb-hostname');
	},

	names() {
		return this.inputs.hostname.value.trim().toLowerCase().split(/[\s,]+/).filter(Boolean);
	},

	/* What is wrong with the names as they are typed. */
	judge() {
		const { zones } = this.provider;
		for (const name of this.names()) {
			if (!HOSTNAME.test(name) || name.length > 253)
				return _('"%s" is not a full name: letters, digits and hyphens, with dots between.').format(name);
			if (zones?.length && !zones.some((zone) => name.endsWith(`.${zone}`) || name == zone))
				return _('"%s" does not end in one of this provider\'s domains.').format(name);
		}
		return this.names().length ? null : _('A name is needed.');
	},

	option({ option, label: words, secret, required }) {
		const id = `wb-${option}`, isSaved = secret && this.secrets.includes(option);
		const input = option == 'insecure'
			? E('input', Object.assign({ 'type': 'checkbox', 'id': id }, this.written.insecure == '1' ? { 'checked': '' } : {}))
			: E('input', {
				'type': secret ? 'password' : 'text', 'class': 'cbi-input-text', 'id': id, 'autocomplete': secret ? 'new-password' : 'off', 'spellcheck': 'false',
				'placeholder': isSaved ? _('saved; leave empty to keep it') : '',
				'value': secret ? '' : [].concat(this.written[option] ?? []).join(' ')
			});
		this.inputs[option] = input;
		const help = option == 'insecure' ? _('Without HTTPS the password can be read on the way.') : required ? null : _('May be left empty.');
		return wb.field(label({ option, label: words }), input, help, id);
	},

	/* Where the addresses come from. */
	origins() {
		const { records } = this.provider, parts = [];
		const written = (option) => [].concat(this.written[option] ?? [])[0];
		const lines = this.networks.map((network) => [ network, _('network %s').format(network) ]);
		const isNew = !this.section;
		/* A record that names neither follows both. */
		const other = written('ipv4') || written('ipv6') ? '' : 'auto';
		const keep = (value, choices) => value == null || choices.some(([ key ]) => key == value) ? choices : [ [ value, value ], ...choices ];
		const first = (wanted) => wanted.find((network) => this.networks.includes(network)) ?? 'auto';
		const behind = (written('ipv6') ?? '').startsWith('prefix:');

		if (records.includes('A')) {
			const value = written('ipv4') ?? (isNew ? first([ 'wan' ]) : other);
			const choices = keep(value, [ ...lines, [ 'auto', _('automatic: the line that is used, else as seen from outside') ], [ '', _('no IPv4') ] ]);
			parts.push(wb.field(_('IPv4 from'), this.inputs.ipv4 = select('wb-ipv4', choices, value), null, 'wb-ipv4'));
		}
		if (records.includes('AAAA')) {
			const value = behind ? 'host' : written('ipv6') ?? (isNew ? first([ 'wan6', 'wan' ]) : other);
			const choices = keep(value, [ ...lines, [ 'auto', _('automatic: the line that is used, else as seen from outside') ], [ 'host', _('a host behind this router') ], [ '', _('no IPv6') ] ]);
			const source = this.inputs.ipv6 = select('wb-ipv6', choices, value);
			const host = this.host(behind ? written('ipv6').slice(7) : null, written('ipv6_host'));
			const turn = () => host.hidden = source.value != 'host';
			source.addEventListener('change', () => {
				turn();
				/* A host behind the router has an IPv4 address of its own only where a port is forwarded to it. */
				if (source.value == 'host' && this.inputs.ipv4)
					this.inputs.ipv4.value = '';
			});
			turn();
			parts.push(wb.field(_('IPv6 from'), source, null, 'wb-ipv6'), host);
		}
		return parts;
	},

	host(network, part) {
		const known = Object.entries(this.hosts).filter(([ mac ]) => (/^([0-9A-F]{2}:){5}[0-9A-F]{2}$/i).test(mac))
			.map(([ mac, hint ]) => [ `mac:${mac.toLowerCase()}`, [ hint.name, mac.toLowerCase(), ...(hint.ip6addrs ?? []).slice(0, 1) ].filter(Boolean).join(' – ') ]);
		const inside = this.networks.filter((one) => !one.startsWith('wan'));
		const networks = [ ...new Set([ ...(network ? [ network ] : []), ...(inside.length ? inside : [ 'lan' ]) ]) ];
		const isOther = part && !known.some(([ key ]) => key == part);
		const which = this.inputs.host = select('wb-host', [ ...known, [ '', _('another one, by its host part') ] ], isOther ? '' : part ?? known[0]?.[0] ?? '');
		const own = this.inputs.ipv6_host = E('input', { 'type': 'text', 'class': 'cbi-input-text', 'id': 'wb-ipv6_host', 'value': isOther ? part : '', 'placeholder': '::211:32ff:fe12:3456' });
		const rest = wb.field(_('Host part'), own, _('The end of its address, a MAC (mac:…), or the DUID of a lease (duid:…).'), 'wb-ipv6_host');
		const turn = () => rest.hidden = which.value != '';
		which.addEventListener('change', turn);
		turn();
		return E('div', {}, [
			wb.field(_('Its network'), this.inputs.lan = select('wb-lan', networks.map((one) => [ one, one ]), network), null, 'wb-lan'),
			wb.field(_('Host'), which, _('Hosts that this router knows. Its name follows when the prefix changes.'), 'wb-host'), rest ]);
	},

	/* As the section shall be. A secret that was left empty is not mentioned. */
	values() {
		const values = { provider: this.provider.id, hostname: this.names() };
		for (const { option, secret } of this.asked(this.provider)) {
			const input = this.inputs[option];
			const before = [].concat(this.written[option] ?? []);
			const typed = input.type == 'checkbox' ? (input.checked ? '1' : '') : input.value.trim();
			/* A list that was not touched stays one. */
			const value = before.length > 1 && typed == before.join(' ') ? before : typed;
			if (!secret || value != '' || !this.secrets.includes(option))
				values[option] = value;
		}
		const isHost = this.inputs.ipv6?.value == 'host';
		const kept = (option) => [].concat(this.written[option] ?? []);
		/* Of a list of origins the first is shown: as long as that stays, the others do. */
		const origin = (option, value) => kept(option)[0] == value && kept(option).length > 1 ? kept(option) : value;
		values.ipv4 = origin('ipv4', this.inputs.ipv4?.value ?? '');
		values.ipv6 = origin('ipv6', isHost ? `prefix:${this.inputs.lan.value}` : this.inputs.ipv6?.value ?? '');
		values.ipv6_host = isHost ? this.inputs.host.value || this.inputs.ipv6_host.value.trim() : '';
		/* What another provider asked for means nothing to this one. */
		const before = this.providers.find((provider) => provider.id == this.written.provider);
		for (const { option } of before && before.id != this.provider.id ? this.asked(before) : [])
			values[option] ??= '';
		return values;
	},

	mistake(option, words) {
		const input = this.inputs[option];
		const place = document.getElementById(`wb-${option}-mistake`);
		if (!input || !place)
			return false;
		input.setAttribute('aria-invalid', words ? 'true' : 'false');
		place.textContent = words ?? '';
		return true;
	},

	/* Asks the agent's own reader; true if it can be saved. */
	async check(ask) {
		Object.keys(this.inputs).forEach((option) => this.mistake(option, null));
		this.result.replaceChildren();
		const typed = this.judge();
		if (![ 'ipv4', 'ipv6' ].some((option) => this.inputs[option]?.value)) {
			this.mistake(this.inputs.ipv4 ? 'ipv4' : 'ipv6', _('An address is needed, IPv4 or IPv6.'));
			return null;
		}
		if (typed) {
			this.mistake('hostname', typed);
			this.inputs.hostname.focus();
			return null;
		}
		const answer = await wb.page.check('record', this.section?.name ?? '', this.values(), ask);
		if (answer.error)
			throw new Error(answer.error);
		const elsewhere = [];
		for (const { option, what, mend, is_error } of answer.mistakes ?? []) {
			const words = [ what, mend ].filter(Boolean).join('\n');
			if (!this.mistake(option, words))
				elsewhere.push(wb.message(is_error ? 'error' : 'warning', [ E('span', { 'class': 'wb-mistake' }, [ words ]) ]));
		}
		this.result.replaceChildren(...elsewhere);
		const isWrong = (answer.mistakes ?? []).some((mistake) => mistake.is_error);
		document.querySelector('.wb-form [aria-invalid="true"]')?.focus();
		return isWrong ? null : answer;
	},

	guarded(what) {
		return what().catch((error) => this.result.replaceChildren(wb.message('error', [ wb.trouble(error) ])));
	},

	test() {
		return this.guarded(async () => {
			const answer = await this.check(true);
			if (!answer)
				return;
			const { asked, requests, sources } = answer, shown = [];
			if (asked?.accepted)
				shown.push(wb.message('success', [ _('The provider accepts the credentials and knows the name. Nothing was changed.') ]));
			else if (asked)
				shown.push(wb.message('error', [ _('The provider would refuse it:'), ' ', E('strong', {}, [ asked.words ?? '' ]) ]));
			else
				shown.push(wb.message('notice', [ _('This provider cannot be asked without changing something. This would be sent:') ]));
			for (const source of (sources ?? []).filter((source) => source.candidate == null))
				shown.push(wb.message('warning', [ _('No %s, because').format(wb.family(source.family)), ' ',
					(source.rejected ?? []).map((one) => [ one.address, one.reason ].filter(Boolean).join(': ')).join('; ') ]));
			for (const { request } of (requests ?? []).filter((sketch) => sketch.request))
				shown.push(E('pre', { 'class': 'wb-raw' }, [ [ `${request.method} ${request.url}`,
					...(request.headers ?? []).map((pair) => pair.join(': ')), ...(request.body ? [ '', request.body ] : []) ].join('\n') ]));
			this.result.append(...shown);
		});
	},

	save() {
		return this.guarded(async () => {
			if (!await this.check(false))
				return;
			await wb.save(this.section, this.newName(), 'record', this.values());
			this.leave();
		});
	},

	remove() {
		return this.guarded(async () => {
			if (!confirm(_('Delete the record "%s"? Its name stays at the provider.').format(this.section.name)))
				return;
			await wb.remove(this.section.name);
			this.leave();
		});
	},

	/* After rpcd's rollback was confirmed: a page that leaves earlier would take the change back. */
	leave() {
		this.result.replaceChildren(wb.message('success', [ _('Saved.') ]));
		window.setTimeout(() => { location.href = L.url('admin/services/wanbeacon/overview'); }, 1500);
	},

	newName() {
		const base = this.names()[0].split('.')[0].replace(/[^a-z0-9_]/g, '_') || 'record';
		const isTaken = (name) => this.sections.some((section) => section.name == name);
		for (let number = 1; ; number++) {
			const name = number > 1 ? `${base}_${number}` : base;
			if (!isTaken(name))
				return name;
		}
	}
});
