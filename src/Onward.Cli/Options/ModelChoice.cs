using System.CommandLine;
using System.Globalization;
using Onward.Layers;
using Onward.Models;

namespace Onward.Cli;

/// <summary>The options that choose a network: a preset, how it mixes patches, and how its blocks grow.</summary>
internal sealed class ModelChoice
{
    private static readonly string[] Poolings = ["average", "maximum"];

    // The reach of the largest grid of the presets, from any patch to any other.
    private const int LargestKernelSide = 63;

    private readonly Option<string?> _model;
    private readonly Option<string?> _mixer = ValueOption.Name(
        "--mixer",
        $"How blocks mix patches: matrix (default), or {ModelSettings.Convolution}, a kernel for each channel over neighbouring patches",
        ["matrix", ModelSettings.Convolution]);
    private readonly Option<int?> _kernelSide = ValueOption.Whole(
        "--kernel-side",
        $"Patches along each side of the kernel of --mixer {ModelSettings.Convolution}, an odd number. Default {ModelSettings.DefaultKernelSide}",
        1,
        LargestKernelSide);

    private readonly Option<int[]> _downsample = ValueOption.Factors(
        "--downsample",
        "After each block, how many times shorter the sides of the grid of patches become, 1 to 3, by commas, such as 1,2,1,1. Default 1 everywhere");
    private readonly Option<int[]> _channelRatio = ValueOption.Factors(
        "--channel-ratio", "After each block, how many times more channels there are. Default 1 everywhere");
    private readonly Option<int[]> _groupRatio = ValueOption.Factors(
        "--group-ratio", "After each block, how many times more channel groups there are. Default 1 everywhere");
    private readonly Option<double?> _epsilon = ValueOption.Number(
        "--epsilon",
        string.Create(
            CultureInfo.InvariantCulture,
            $"Number added to the variance in each normalisation. Default {LocalMixerOptions.DefaultEpsilon}; the paper's code has {LocalMixerOptions.PaperEpsilon}"),
        "above 0 and below 1",
        value => value is > 0 and < 1 && (float)value is > 0 and < 1);
    private readonly Option<string?> _pooling = ValueOption.Name(
        "--pooling", "What --downsample makes of a window of patches: average (default), or maximum", Poolings);

    /// <summary>Makes the options.</summary>
    /// <param name="help">What naming a preset does.</param>
    internal ModelChoice(string help) => _model = ValueOption.Name("--model", help, LocalMixerPresets.Names);

    /// <summary>The options that mean nothing without a network.</summary>
    internal IReadOnlyList<Option> Mixing => [_mixer, _kernelSide, _downsample, _channelRatio, _groupRatio, _pooling, _epsilon];

    /// <summary>All of the options, in the order of help.</summary>
    internal IReadOnlyList<Option> All => [_model, .. Mixing];

    /// <summary>Adds all of the options to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in All)
        {
            command.Add(option);
        }
    }

    /// <summary>Makes the options for a command that has a preset by default.</summary>
    internal static ModelChoice WithDefault(string preset) =>
        new($"Preset, size/patches/groups: {string.Join(", ", LocalMixerPresets.Names)}. Default {preset}");

    /// <summary>The preset that the command line names, if it names one.</summary>
    internal string? Named(ParseResult parse) => parse.GetValue(_model);

    /// <summary>What the command line says, with defaults for the rest.</summary>
    internal ModelSettings Read(ParseResult parse, string byDefault)
    {
        string preset = Named(parse) ?? byDefault;
        int? kernelSide = parse.GetValue(_kernelSide);
        NetworkScaling? scaling = ReadScaling(parse);
        float epsilon = (float?)parse.GetValue(_epsilon) ?? LocalMixerOptions.DefaultEpsilon;
        if (parse.GetValue(_mixer) != ModelSettings.Convolution)
        {
            return kernelSide is null
                ? ModelSettings.Default(preset) with { Scaling = scaling, Epsilon = epsilon }
                : throw new CommandFault(
                    $"--kernel-side belongs to --mixer {ModelSettings.Convolution}. Name that too, or leave --kernel-side out.");
        }

        if (kernelSide % 2 == 0)
        {
            throw new CommandFault($"--kernel-side must be an odd number, so that the kernel has a middle; got {kernelSide}.");
        }

        // What mixes patches stands in the blocks after the first.
        ModelSettings settings = new(
            preset, TokenMixer.DepthwiseConvolution, kernelSide ?? ModelSettings.DefaultKernelSide, scaling, epsilon);
        return settings.Blocks > 1
            ? settings
            : throw new CommandFault(
                $"--mixer {ModelSettings.Convolution} means nothing to --model {preset}, whose one block mixes no patches. Leave it out, or choose another model.");
    }

    private NetworkScaling? ReadScaling(ParseResult parse)
    {
        int[] downsample = parse.GetValue(_downsample)!, channels = parse.GetValue(_channelRatio)!, groups = parse.GetValue(_groupRatio)!;
        string? pooling = parse.GetValue(_pooling);
        if (pooling is not null && downsample.Length == 0)
        {
            throw new CommandFault("--pooling belongs to --downsample. Name that too, or leave --pooling out.");
        }

        return downsample.Length + channels.Length + groups.Length == 0 ? null
            : new NetworkScaling(downsample, channels, groups, pooling == Poolings[1] ? PatchPooling.Maximum : PatchPooling.Average);
    }
}
