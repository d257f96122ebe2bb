/** Does the work for each number from `from` to before `end`, so many at a time. */
export async function inParallel(
  concurrency: number,
  from: number,
  end: number,
  work: (number: number) => Promise<void>,
): Promise<void> {
  let next = from;
  const some = async () => {
    while (next < end) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, some));
}
