import { afterAll, beforeAll, describe } from 'vitest';
import { openProject, type Project } from '../../process/project.ts';
import { testEnds } from './ends.ts';
import { testEvents } from './events.ts';
import type { WorkerLibrary } from './library.ts';
import { testOutages } from './outages.ts';
import { testStops } from './stops.ts';

/** Runs the scenarios that every worker library passes, with a real server. {@link WorkerLibrary} says what it needs. */
export function testWorkerLibrary(library: WorkerLibrary): void {
  const { name, missing } = library;
  describe.skipIf(missing != null)(`the worker library ${name}${missing ?? ''}`, () => {
    let project: Project;

    beforeAll(async () => {
      project = await openProject();
    });

    afterAll(() => project.remove());

    testEvents(library, () => project);
    testEnds(library, () => project);
    testStops(library, () => project);
    testOutages(library, () => project);
  });
}
