const running = new Map<string, number>();

/**
 * Counts an answer that is being written for a project until the returned function is called. It counts what runs in this
 * isolate: all of it on one machine, a share of it where Cloudflare spreads the objects.
 */
export function beginTurn(projectId: string): () => void {
  running.set(projectId, runningTurns(projectId) + 1);
  return () => {
    const left = runningTurns(projectId) - 1;
    if (left > 0) running.set(projectId, left);
    else running.delete(projectId);
  };
}

export const runningTurns = (projectId: string): number => running.get(projectId) ?? 0;
