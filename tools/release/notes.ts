/** @file The notes of a release, which are its section of the changelog. */

/**
 * Takes one version's section from a changelog in the form of Keep a Changelog.
 *
 * @param changelog the text of CHANGELOG.md
 * @param version such as `0.2.0`
 * @returns the section without its heading
 * @throws Error if the changelog has no section for the version, or an empty one
 */
export function releaseNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^(?=## \[)/m);
  const section = sections.find((each) => each.startsWith(`## [${version}]`));
  const notes = section?.slice(section.indexOf('\n')).trim();
  if (!notes) throw new Error(`CHANGELOG.md has no section for ${version}.`);
  return `${notes}\n`;
}
