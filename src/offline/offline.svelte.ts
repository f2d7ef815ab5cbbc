/** The app's copy on this computer: whether it is whole, and whether a newer one waits for the person's word. */
import type { ToServiceWorker } from '../../protocol/service-worker.ts';

export class Offline {
  /** From now on the app opens without a network. */
  stored = $state(false);
  /** A newer version is on this computer, whole. */
  updateReady = $state(false);
  private registration: ServiceWorkerRegistration | undefined;

  /** @param page what is reloaded for a new version. */
  constructor(
    private readonly workers: () => ServiceWorkerContainer = () => navigator.serviceWorker,
    private readonly page: Pick<Location, 'reload'> = location,
  ) {}

  /** Stores the app, or looks for a newer version of it. */
  async start(script: URL): Promise<void> {
    if (this.registration) return;
    try {
      const registration = await this.workers().register(script);
      this.registration = registration;
      this.send(registration.active, 'page-opened');
      registration.addEventListener('updatefound', () => this.watchInstalling());
      this.watchInstalling();
    } catch {
      // Refused (a private window, a page without https): the page then works as long as there is a network.
    }
  }

  /** Lets the new version take over, in this page. Others go on with theirs until they are reloaded. */
  reload(): void {
    const waiting = this.registration?.waiting;
    if (!waiting) {
      // Another page was reloaded first, and the new version has taken over.
      this.page.reload();
      return;
    }
    this.workers().addEventListener('controllerchange', () => this.page.reload(), { once: true });
    this.send(waiting, 'take-over');
  }

  later(): void {
    this.updateReady = false;
  }

  private send(worker: ServiceWorker | null, message: ToServiceWorker): void {
    worker?.postMessage(message);
  }

  private watchInstalling(): void {
    this.registration?.installing?.addEventListener('statechange', () => this.update());
    this.update();
  }

  private update(): void {
    const { active, waiting } = this.registration ?? {};
    this.stored = !!active;
    if (active && waiting) this.updateReady = true;
  }
}
