using System.Globalization;
using Onward.Models;

namespace Onward.Runs;

/// <summary>A network: a preset, the mixing of patches, and the scaling of its blocks; null where they do not differ.</summary>
internal sealed record ModelSettings(
    string Preset, TokenMixer Mixer, int KernelSide, NetworkScaling? Scaling = null, float Epsilon = LocalMixerOptions.DefaultEpsilon)
{
    /// <summary>The name of depthwise convolution as a mixer.</summary>
    internal const string Convolution = "conv";

    /// <summary>Patches along each side of a kernel by default.</summary>
    internal const int DefaultKernelSide = 3;

    /// <summary>The preset, and the differences of the network from it.</summary>
    internal string Name =>
        (Mixer == TokenMixer.Matrix ? Preset : string.Create(CultureInfo.InvariantCulture, $"{Preset}-{Convolution}{KernelSide}"))
            + Scaling?.Name;

    /// <summary>The name as part of a folder's.</summary>
    internal string FolderName => Name.Replace('/', '-');

    /// <summary>Blocks of the network; the images play no part in their number.</summary>
    internal int Blocks => LocalMixerPresets.Get(Preset, 1, 1, 1).Blocks;

    /// <summary>A preset as it is when no option changes it.</summary>
    internal static ModelSettings Default(string preset) => new(preset, TokenMixer.Matrix, DefaultKernelSide);

    /// <summary>The options of the network for images of the given kind.</summary>
    internal LocalMixerOptions Options(int side, int channels, int classes)
    {
        LocalMixerOptions options = LocalMixerPresets.Get(Preset, side, channels, classes);
        options = options with { TokenMixer = Mixer, KernelSide = KernelSide, Epsilon = Epsilon };
        options = Scaling?.Apply(options) ?? options;
        try
        {
            options.Validate();
            return options;
        }
        catch (ArgumentException fault)
        {
            string reason = fault.Message.StartsWith("LocalMixer: ", StringComparison.Ordinal)
                ? fault.Message["LocalMixer: ".Length..]
                : fault.Message;
            string scaled = Scaling is null ? "" : ", scaled,";
            throw new RunException(
                say => $"{say.Setting("model")} {Preset}{scaled} does not fit images of {side}x{side}x{channels}: {reason}", fault);
        }
    }
}
