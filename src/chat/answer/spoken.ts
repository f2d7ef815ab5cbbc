/** Removes Markdown's marks from a text that is to be spoken. */
export const spoken = (text: string): string =>
  text
    .replace(/!?\[([^\]]*)\]\([^)]*\)/gu, '$1')
    .replace(/^\s*(?:#{1,6}|>|[-*+])\s+/gmu, '')
    .replace(/\*\*|__|`+|~~|(?<![\p{L}\p{N}])[*_](?=\S)|(?<=\S)[*_](?![\p{L}\p{N}])/gu, '')
    .trim();
