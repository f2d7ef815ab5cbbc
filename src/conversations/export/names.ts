/** Makes file names that are valid on every system. */

const LONGEST = 80;
/** Windows reserves these names, with any extension. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

export function safeName(name: string): string {
  const plain = name
    // eslint-disable-next-line no-control-regex -- just these
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069/\\:*?"<>|]/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[. ]+|[. ]+$/g, '');
  const end = /\.[A-Za-z0-9]{1,8}$/.exec(plain)?.[0] ?? '';
  const base = [...plain.slice(0, plain.length - end.length)].slice(0, LONGEST).join('').trim();
  return (base + end).replace(DEVICES, '_$1');
}

/** Makes names unique by appending numbers, ignoring case as some file systems do. */
export class UniqueNames {
  private readonly taken = new Set<string>();

  next(name: string): string {
    const end = /\.[A-Za-z0-9]{1,8}$/.exec(name)?.[0] ?? '';
    const base = name.slice(0, name.length - end.length);
    let unique = name;
    for (let i = 2; this.taken.has(unique.toLowerCase()); i++) unique = `${base} ${i}${end}`;
    this.taken.add(unique.toLowerCase());
    return unique;
  }
}
