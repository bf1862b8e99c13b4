'use strict';
'require view';
'require fs';
'require wanbeacon as wb';

/* "Fri Nov 27 17:16:01 2026 daemon.notice wanbeacon[123]: words" */
const OURS = /^.*? [a-z0-9]+\.[a-z]+ wanbeacon(\[\d+\])?: /;

return view.extend({
	handleSaveApply: null,
	handleSave: null,
	handleReset: null,

	load() {
		return this.read();
	},

	read() {
		return wb.told(() => fs.exec_direct('/sbin/logread', [ '-e', 'wanbeacon' ])
			.then((text) => ({ lines: String(text ?? '').split('\n').filter((line) => OURS.test(line)) })));
	},

	render(log) {
		const box = E('pre', { 'class': 'wb-raw wb-log', 'tabindex': '0', 'role': 'log', 'aria-label': _('Log') });
		const note = E('div', {});
		const show = ({ error, lines }) => {
			note.replaceChildren(...(error ? [ wb.message('error', [ error ]) ] : lines.length ? [] : [ E('p', {}, [ _('The agent has said nothing that is still in the log.') ]) ]));
			box.textContent = (lines ?? []).join('\n');
			box.hidden = !lines?.length;
			box.scrollTop = box.scrollHeight;
		};
		show(log);
		return E('div', { 'class': 'cbi-map' }, [
			wb.style(),
			E('h2', {}, [ _('Log') ]),
			E('div', { 'class': 'cbi-map-descr' }, [ _('What the agent wrote to the system log.') ]),
			E('div', { 'class': 'wb-buttons' }, [ wb.button('action', _('Refresh'), () => this.read().then(show)) ]),
			note, box
		]);
	}
});
