namespace Onward.Models;

/// <summary>The paper's networks (Table 2), named size / patches along a side / groups.</summary>
public static class LocalMixerPresets
{
    private static readonly Dictionary<string, (
        int Blocks, int PatchesPerSide, int Channels, int Groups)> Sizes = new(StringComparer.OrdinalIgnoreCase)
        {
            ["S/1/1"] = (1, 1, 256, 1),
            ["M/1/16"] = (1, 1, 512, 16),
            ["M/8/16"] = (4, 8, 512, 16),
            ["L/8/64"] = (4, 8, 2048, 64),
            ["L/32/64"] = (4, 32, 2048, 64),
        };

    /// <summary>Names of the presets, smallest first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Sizes.Keys];

    /// <summary>The options of a preset for images of the given kind.</summary>
    /// <param name="name">A name of <see cref="Names"/>, in any case.</param>
    /// <param name="imageSide">Pixels along each side of the image.</param>
    /// <param name="imageChannels">Channels of the image.</param>
    /// <param name="classes">Classes.</param>
    /// <exception cref="ArgumentException">There is no such preset.</exception>
    public static LocalMixerOptions Get(string name, int imageSide, int imageChannels, int classes)
    {
        if (!Sizes.TryGetValue(name, out var size))
        {
            throw new ArgumentException($"There is no model '{name}'; the models are {string.Join(", ", Names)}.");
        }

        return new LocalMixerOptions
        {
            Blocks = size.Blocks,
            PatchesPerSide = size.PatchesPerSide,
            Channels = size.Channels,
            Groups = size.Groups,
            ImageSide = imageSide,
            ImageChannels = imageChannels,
            Classes = classes,
        };
    }
}
