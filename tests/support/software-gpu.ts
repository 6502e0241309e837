/** SwiftShader, a Vulkan driver that computes on the CPU, as Debian's chromium package brings it. */
const folder = "/usr/lib/chromium";
const driver = `${folder}/vk_swiftshader_icd.json`;

/** Variables that make a process find it; none where it is not there, or where somebody has chosen a driver. */
export function softwareGpu(exists: (path: string) => boolean): Record<string, string> {
  if (process.env.VK_DRIVER_FILES !== undefined || !exists(driver)) return {};
  const { LD_LIBRARY_PATH: before } = process.env;
  return { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: before ? `${folder}:${before}` : folder };
}
