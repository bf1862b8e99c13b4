// The page's strings: what is translatable in the sources, and what the translations have. `node strings.mjs --write` brings
// po/ up to date with the sources; new strings are then empty and have to be translated.

import fs from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const APP = path.join(ROOT, 'openwrt/luci-app-wanbeacon');
const TEMPLATE = path.join(APP, 'po/templates/wanbeacon.pot');
const GERMAN = path.join(APP, 'po/de/wanbeacon.po');

const below = (folder) => fs.readdirSync(folder, { recursive: true, withFileTypes: true })
	.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name)).sort();

/** The page's scripts. */
export const sources = () => below(path.join(APP, 'htdocs')).filter((file) => file.endsWith('.js'));

/** Every string with the files that it is in. */
export function strings() {
	const found = new Map();
	const add = (text, file) => found.set(text, [ ...new Set([ ...(found.get(text) ?? []), path.relative(APP, file) ]) ]);
	for (const file of sources())
		for (const [ , text ] of fs.readFileSync(file, 'utf8').matchAll(/\b_\('((?:[^'\\]|\\.)*)'\)/g))
			add(text.replace(/\\'/g, '\''), file);
	for (const file of below(path.join(APP, 'root')).filter((file) => file.endsWith('.json')))
		for (const [ , text ] of fs.readFileSync(file, 'utf8').matchAll(/"(?:title|description)": "([^"]*)"/g))
			add(text, file);
	// The expert tab shows the agent's own table of options.
	const table = path.join(ROOT, 'src/config/options.rs');
	const [ , options ] = fs.readFileSync(table, 'utf8').split('pub const OPTIONS');
	for (const [ , text ] of options.split('\n];')[0].matchAll(/^ {8}"((?:[^"\\]|\\.)*)"\),$/gm))
		add(text.replace(/`/g, '').replace(/\\"/g, '"'), table);
	return found;
}

const quote = (text) => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
const unquote = (text) => JSON.parse(text);

/** What a file of gettext says. */
export function read(file) {
	const entries = {};
	for (const [ , id, text ] of fs.readFileSync(file, 'utf8').matchAll(/^msgid (".*")\nmsgstr (".*")$/gm))
		entries[unquote(id)] = unquote(text);
	return entries;
}

export const template = () => read(TEMPLATE);
export const translations = () => read(GERMAN);

function file(head, known) {
	const entries = [ ...strings() ].map(([ text, files ]) => `${files.map((file) => `#: ${file}\n`).join('')}msgid ${quote(text)}\nmsgstr ${quote(known[text] ?? '')}\n`);
	return `msgid ""\nmsgstr ${quote(head)}\n\n${entries.join('\n')}`;
}

if (process.argv.includes('--write')) {
	const known = fs.existsSync(GERMAN) ? translations() : {};
	fs.writeFileSync(TEMPLATE, file('Content-Type: text/plain; charset=UTF-8\n', {}));
	fs.writeFileSync(GERMAN, file('Content-Type: text/plain; charset=UTF-8\nLanguage: de\nPlural-Forms: nplurals=2; plural=(n != 1);\n', known));
}
