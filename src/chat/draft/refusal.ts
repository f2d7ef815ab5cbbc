import type { MessageKey } from '../../i18n/i18n.svelte.ts';

/** Why a file is not taken, as a sentence that names it. */
export interface Refusal {
  key: MessageKey;
  name: string;
  /** In the sentence's units. */
  limit?: number;
}

export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(`${refusal.key}: ${refusal.name}`);
    this.name = 'Refused';
  }
}
