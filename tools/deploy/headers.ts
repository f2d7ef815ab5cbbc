/** @file Writes the site's security headers into the server configurations of `deploy/`. */

/** How each server configuration sets a header. Values hold no double quotes. */
export const CONFIGURATIONS: Readonly<Record<string, (name: string, value: string) => string>> = {
  'nginx.conf': (name, value) => `add_header ${name} "${value}" always;`,
  Caddyfile: (name, value) => `${name} "${value}"`,
  '.htaccess': (name, value) => `Header always set ${name} "${value}"`,
  _headers: (name, value) => `${name}: ${value}`,
};

const SECTION = /^([ \t]*)# BEGIN security headers.*\n(?:.*\n)*?[ \t]*# END security headers\n/m;

/**
 * Replaces the section of a configuration that holds the security headers.
 *
 * @param text the configuration, with a `# BEGIN security headers` and a `# END security headers` line
 * @param line writes one header as a line of this configuration
 * @param headers names and values
 * @returns the configuration with exactly these headers in the section
 * @throws Error if the configuration has no such section
 */
export function withHeaders(
  text: string,
  line: (name: string, value: string) => string,
  headers: Readonly<Record<string, string>>,
): string {
  if (!SECTION.test(text)) throw new Error('The configuration has no section for security headers.');
  return text.replace(SECTION, (_section, indent: string) =>
    [
      '# BEGIN security headers (written by npm run deploy:headers)',
      ...Object.entries(headers).map(([name, value]) => line(name, value)),
      '# END security headers',
    ]
      .map((each) => `${indent}${each}\n`)
      .join(''),
  );
}
