/** A worker that computes receives no messages: it has to return to its event loop for them. */
const { port1, port2 } = new MessageChannel();
let resume: (() => void) | null = null;
port1.onmessage = () => {
  resume?.();
};

/**
 * Lets the worker handle messages that are waiting. Unlike timers, messages are not delayed to 4 ms.
 * @returns a promise that resolves after them
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    resume = resolve;
    port2.postMessage(null);
  });
}
