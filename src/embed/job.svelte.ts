/** One pending request of the host. */
import type { EmbedId } from '../../protocol/embed.ts';
import type { HostRequest } from './read-request.ts';

/** Maximum length of the shown question, characters. */
const SHOWN = 400;

export class HostJob {
  /** `waiting` for the permission, the model, or other answers. */
  stage = $state<'waiting' | 'writing'>('waiting');
  private readonly controller = new AbortController();

  constructor(
    readonly id: EmbedId,
    private readonly asked: HostRequest,
  ) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The last user message of the request, to show; empty if there is none. */
  get question(): string {
    if (this.asked.type !== 'generate') return '';
    const { content } = this.asked.messages.findLast(({ role }) => role === 'user') ?? { content: '' };
    const texts =
      typeof content === 'string' ? [content] : content.map((part) => (part.type === 'text' ? part.text : ''));
    return texts.filter(Boolean).join(' ').slice(0, SHOWN);
  }

  /** @param why the error that the host gets instead of `aborted` */
  stop(why?: Error): void {
    this.controller.abort(why);
  }
}
