import AxeBuilder from '@axe-core/playwright';

import { card, expect, test } from '../world.mjs';

// With WANBEACON_SHOTS the pictures go there: of a genuine LuCI they are those of docs/img.
const SHOTS = process.env.WANBEACON_SHOTS ?? '../../target/luci-shots';

const TABS = [ 'overview', 'history', 'setup', 'expert', 'log' ];

for (const width of [ 360, 768, 1280 ])
	for (const colorScheme of [ 'light', 'dark' ])
		test.describe(`${width} px, ${colorScheme}`, () => {
			test.use({ viewport: { width, height: 800 }, colorScheme });

			test('every tab fits, and has a name for everything that can be used', async ({ page, world }) => {
				await world.reset();
				world.provider.answer = ({ url }) => [ 200, url.includes('vpn') ? 'nohost' : 'good' ];
				await world.change(world.record('home', { ipv6: world.real ? [] : 'wan6' }), world.record('vpn'), world.record('cellar', { enabled: '0' }), world.record('cabin', { ipv4: 'lte0' }));
				await world.open(page, 'overview');
				await expect(card(page, 'home')).toContainText('✔ Published');
				await expect(card(page, 'vpn')).toContainText('✖ Refused');
				for (const tab of TABS) {
					if (tab != 'overview')
						await world.open(page, tab);
					if (tab == 'setup') {
						await page.getByLabel('Search').fill('duck');
						await page.locator('input[value="duckdns.org"]').check();
					}
					if (tab == 'expert')
						await page.getByText('home', { exact: true }).click();
					const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
					expect(wide, `${tab} is wider than the screen`).toBeLessThanOrEqual(0);
					// What width has a say in was seen above.
					if (width == 360) {
						const { violations } = await new AxeBuilder({ page }).include('.cbi-map').analyze();
						expect(violations.map(({ id, nodes }) => `${tab}: ${id}: ${nodes[0].html}`)).toEqual([]);
					}
					await page.screenshot({ path: `${SHOTS}/${tab}-${width}-${colorScheme}.png`, fullPage: ![ 'expert', 'history' ].includes(tab) });
				}
			});
		});
