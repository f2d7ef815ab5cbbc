/** One request of the host that takes time, from its arrival to its end. */
import type { EmbedId } from '../../protocol/embed.ts';
import type { HostRequest } from './read-request.ts';

/** Of a question, so much is shown. */
const SHOWN = 400;

export class HostJob {
  /** `waiting` for the person's word, the model, or other answers. */
  stage = $state<'waiting' | 'writing'>('waiting');
  private readonly controller = new AbortController();

  constructor(
    readonly id: EmbedId,
    private readonly asked: HostRequest,
  ) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** What the model is asked: the last words of a person's, or nothing. */
  get question(): string {
    if (this.asked.type !== 'generate') return '';
    const { content } = this.asked.messages.findLast(({ role }) => role === 'user') ?? { content: '' };
    const texts =
      typeof content === 'string' ? [content] : content.map((part) => (part.type === 'text' ? part.text : ''));
    return texts.filter(Boolean).join(' ').slice(0, SHOWN);
  }

  /** @param why what the host is told in place of "stopped" */
  stop(why?: Error): void {
    this.controller.abort(why);
  }
}
