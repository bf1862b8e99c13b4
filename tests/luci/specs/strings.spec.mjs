import fs from 'node:fs';

import { sources, strings, template, translations } from '../strings.mjs';
import { card, expect, test } from '../world.mjs';

test('every string is in the template and has a German translation with the same placeholders', () => {
	const known = template(), german = translations();
	const placeholders = (text) => (text.match(/%(?:\.\d+)?[sdf]/g) ?? []).join();
	const wrong = [];
	for (const text of strings().keys()) {
		if (!(text in known))
			wrong.push(`not in the template: ${text}`);
		if (!german[text])
			wrong.push(`not translated: ${text}`);
		else if (placeholders(german[text]) != placeholders(text))
			wrong.push(`other placeholders: ${text}`);
	}
	for (const text of Object.keys(known))
		if (text && !strings().has(text))
			wrong.push(`no longer used: ${text}`);
	expect(wrong, 'node tests/luci/strings.mjs --write').toEqual([]);
});

test('the page speaks German', async ({ page, world }) => {
	test.skip(!!world.real, 'the language is a setting of the router there');
	await world.reset(world.record('home'));
	await world.open(page, 'overview', { lang: 'de' });
	await expect(card(page, 'home')).toContainText('✔ Veröffentlicht');
});

test('no regular expression stands where the feed\'s minifier takes it for a division', () => {
	// jsmin knows one only behind a sign: of `return /^https?:\/\//` it makes a comment.
	const found = sources().flatMap((file) => fs.readFileSync(file, 'utf8').match(/(return|=>) *\/[^\/*]/g) ?? []);
	expect(found).toEqual([]);
});
