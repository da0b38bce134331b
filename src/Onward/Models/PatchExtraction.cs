namespace Onward.Models;

/// <summary>Cuts images into the patch vectors that the first block reads (paper's code).</summary>
internal static class PatchExtraction
{
    /// <summary>
    /// Cuts one image [row, column, channel] into rows [P, patch vector]: patches row by row, each (row, column, channel).
    /// If the side is not a multiple of the patch side, the image is padded on all sides by repeating its edge.
    /// </summary>
    internal static void Extract(LocalMixerOptions options, ReadOnlySpan<float> image, Span<float> patches)
    {
        int side = options.ImageSide, patchSide = options.PatchSide, channels = options.ImageChannels;
        if (options.PatchesPerSide == 1)
        {
            image.CopyTo(patches);
            return;
        }

        int margin = ((patchSide * options.PatchesPerSide) - side) / 2;
        int target = 0;
        for (int patch = 0; patch < options.Patches; patch++)
        {
            int top = (patch / options.PatchesPerSide * patchSide) - margin;
            int left = (patch % options.PatchesPerSide * patchSide) - margin;
            for (int i = 0; i < patchSide; i++)
            {
                int row = Math.Clamp(top + i, 0, side - 1) * side;
                if (left >= 0 && left + patchSide <= side)
                {
                    image.Slice((row + left) * channels, patchSide * channels).CopyTo(patches[target..]);
                    target += patchSide * channels;
                    continue;
                }

                for (int j = 0; j < patchSide; j++, target += channels)
                {
                    int pixel = (row + Math.Clamp(left + j, 0, side - 1)) * channels;
                    image.Slice(pixel, channels).CopyTo(patches[target..]);
                }
            }
        }
    }
}
