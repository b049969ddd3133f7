/** Makes calls, some at a time. */
export async function inParallel(
  calls: number,
  atOnce: number,
  call: (index: number) => Promise<unknown>,
): Promise<void> {
  const indexes = Array.from({ length: calls }).keys();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const index of indexes) await call(index);
    }),
  );
}
