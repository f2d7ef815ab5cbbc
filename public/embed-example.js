// What a page needs to use the model in a frame of Fournil (docs/users/embed.md).
import { connect } from './embed-client.js';

const [form, text, ask, stop, answer, state, frame] = [
  'form',
  '#text',
  '#ask',
  '#stop',
  '#answer',
  '#state',
  '#fournil',
].map((selector) => document.querySelector(selector));

const fournil = connect(frame, {
  onPermission: (permission) => {
    state.textContent = permission === 'asked' ? 'Please decide in the frame below.' : '';
  },
});
let running;

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  running = new AbortController();
  answer.textContent = state.textContent = '';
  ask.disabled = true;
  stop.disabled = false;
  try {
    const { reason, usage } = await fournil.generate([{ role: 'user', content: text.value }], {
      signal: running.signal,
      onDelta: (delta) => {
        answer.textContent += delta;
      },
    });
    state.textContent = reason === 'aborted' ? 'Stopped.' : `${usage.generatedTokens} tokens.`;
  } catch (error) {
    // Each failure has a code for programs, and a sentence for people.
    state.textContent = `${error.message} (${error.code})`;
  } finally {
    ask.disabled = false;
    stop.disabled = true;
  }
});
stop.addEventListener('click', () => running?.abort());
