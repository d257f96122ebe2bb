import { EventEmitter } from "node:events";

/*
 * Loaded into wrangler before it starts. To wrangler, a client that leaves in the middle of its request is an error of its own
 * proxy, and it ends; here such a request ends alone.
 */
// oxlint-disable-next-line typescript/unbound-method -- it is called with each emitter's own `this` below
const emit = EventEmitter.prototype.emit;

EventEmitter.prototype.emit = function (this: EventEmitter, name: string | symbol, ...args: unknown[]): boolean {
  return isLostRequest(name, args[0]) || emit.call(this, name, ...args);
};

const isLostRequest = (name: string | symbol, event: unknown): boolean =>
  name === "error" &&
  typeof event === "object" &&
  event !== null &&
  "reason" in event &&
  event.reason === "Error inside ProxyWorker";
