import type { MessageKey } from '../../i18n/i18n.svelte.ts';

/** Why a file is refused, as a message that names the file. */
export interface Refusal {
  key: MessageKey;
  name: string;
  /** The limit that was exceeded, in the unit of the message. */
  limit?: number;
}

export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(`${refusal.key}: ${refusal.name}`);
    this.name = 'Refused';
  }
}
