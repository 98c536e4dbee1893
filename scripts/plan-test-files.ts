export interface TestPlan {
  /** Files that need a processor most of the time, in the order in which they are begun. */
  readonly working: readonly string[];
  /** Files that mostly wait, in the order in which they are begun. */
  readonly waiting: readonly string[];
}

/**
 * Those that take longest are begun first, so that the end of a run is not one long file beside an idle processor; the
 * first two of them compile, check and install on all processors and have no timings of their own.
 */
export const longest: readonly string[] = [
  'test/packaging/tarball.test.ts',
  'test/checks.test.ts',
  'test/upgrade/upgrade.test.ts',
  'test/cli/serving.test.ts',
  'test/gateway/several-workers.test.ts',
  'test/gateway/succession.test.ts',
  'test/gateway/applications.test.ts',
];

/**
 * Each needs a processor for less than half of its time, most for less than a third: they wait for timeouts of a
 * gateway, which are what they are about. The longest first.
 */
export const mostlyWaiting: readonly string[] = [
  'test/torture/torture.test.ts',
  'test/faults/faults.test.ts',
  'test/soak/soak-mixed.test.ts',
  'test/gateway/what-curl-says.test.ts',
  'test/soak/soak.test.ts',
  'test/gateway/tunnel.test.ts',
  'test/soak/soak-changes.test.ts',
  'test/dns/names.test.ts',
  'test/gateway/descriptors.test.ts',
  'test/attacks/admin.test.ts',
  'test/gateway/early-response.test.ts',
  'test/dns/families.test.ts',
  'test/torture/command.test.ts',
  'test/gateway/routes.test.ts',
  'test/gateway/forwarding.test.ts',
  'test/attacks/client-that-never-reads.test.ts',
  'test/scripts/run-test-files.test.ts',
  'test/attacks/admin-browser.test.ts',
];

/** Which files run when. Those that are in neither list keep their order. */
export function planTestFiles(files: readonly string[]): TestPlan {
  const given = new Set(files);
  const waiting = mostlyWaiting.filter((file) => given.delete(file));
  const first = longest.filter((file) => given.delete(file));
  return { working: [...first, ...given], waiting };
}
