import { defineConfig } from '@playwright/test';

export default defineConfig({
	testDir: 'specs',
	outputDir: '../../target/luci',
	// One agent, one router.
	workers: 1,
	fullyParallel: false,
	reporter: process.env.CI ? 'dot' : 'list',
	// A genuine router takes its time to apply what is saved, and so does a machine that compiles.
	timeout: 60_000,
	expect: { timeout: 20_000 },
	use: {
		locale: 'en-GB',
		timezoneId: 'UTC',
		launchOptions: {
			executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
			args: [ '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
				'--disable-component-update', '--disable-sync' ]
		}
	}
});
