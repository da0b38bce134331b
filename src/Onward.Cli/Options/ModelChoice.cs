using System.CommandLine;
using System.Globalization;
using Onward.Layers;
using Onward.Models;

namespace Onward.Cli;

/// <summary>
/// The options that choose a network: a preset, its token mixing, and the scaling of its blocks; or a file that describes one.
/// </summary>
internal sealed class ModelChoice
{
    private static readonly string[] Poolings = ["average", "maximum"];

    // A kernel of this side connects any two patches of the largest grid of the presets.
    private const int LargestKernelSide = 63;

    private readonly Option<string?> _model;
    private readonly Option<string?> _network = ValueOption.File(
        "--network",
        $"JSON file that describes a network of your own, in place of --model. Its defaults are those of {PresetDefaults.Model}");
    private readonly Option<string?> _mixer = ValueOption.Name(
        "--mixer",
        $"Layer that mixes patches: matrix (default), or {ModelSettings.Convolution}, a depthwise convolution",
        ["matrix", ModelSettings.Convolution]);
    private readonly Option<int?> _kernelSide = ValueOption.Whole(
        "--kernel-side",
        $"Side of the kernel of --mixer {ModelSettings.Convolution}, an odd number of patches. Default {ModelSettings.DefaultKernelSide}",
        1,
        LargestKernelSide);
    private readonly Option<int[]> _downsample = ValueOption.Factors(
        "--downsample",
        "Factors by which the patch grid shrinks after each block, 1 to 3, separated by commas, such as 1,2,1,1. Default 1");
    private readonly Option<int[]> _channelRatio = ValueOption.Factors(
        "--channel-ratio", "Factors by which the number of channels grows after each block, separated by commas. Default 1");
    private readonly Option<int[]> _groupRatio = ValueOption.Factors(
        "--group-ratio", "Factors by which the number of channel groups grows after each block, separated by commas. Default 1");
    private readonly Option<double?> _epsilon = ValueOption.Number(
        "--epsilon",
        string.Create(
            CultureInfo.InvariantCulture,
            $"Number added to the variance in each normalisation. Default {LocalMixerOptions.DefaultEpsilon}; "
                + $"the paper's code uses {LocalMixerOptions.PaperEpsilon}"),
        "above 0 and below 1",
        value => value is > 0 and < 1 && (float)value is > 0 and < 1);
    private readonly Option<string?> _pooling = ValueOption.Name(
        "--pooling", "Pooling of the patches that --downsample merges: average (default) or maximum", Poolings);

    /// <summary>Creates the options.</summary>
    /// <param name="help">The description of <c>--model</c>.</param>
    internal ModelChoice(string help) => _model = ValueOption.Name("--model", help, ModelSettings.Names);

    /// <summary>The options that change a preset.</summary>
    internal IReadOnlyList<Option> Mixing => [_mixer, _kernelSide, _downsample, _channelRatio, _groupRatio, _pooling, _epsilon];

    /// <summary>All options, in the order of the help.</summary>
    internal IReadOnlyList<Option> All => [_model, _network, .. Mixing];

    /// <summary>Adds all options to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in All)
        {
            command.Add(option);
        }
    }

    /// <summary>Creates the options for a command with a default preset.</summary>
    internal static ModelChoice WithDefault(string preset) =>
        new($"Network: a preset, named size/patches/groups, {string.Join(", ", LocalMixerPresets.Names)}; "
            + $"or {ValueOption.List(ModelSettings.Others)}, which reads text. Default {preset}");

    /// <summary>True if the command line names a network.</summary>
    internal bool IsGiven(ParseResult parse) => (parse.GetValue(_model) ?? parse.GetValue(_network)) is not null;

    /// <summary>Reads the options from the command line, with defaults for the others.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="resolve">Resolves the path of a file.</param>
    /// <param name="byDefault">The preset if no network is named.</param>
    internal ModelSettings Read(ParseResult parse, Func<string, string> resolve, string byDefault)
    {
        if (parse.GetValue(_network) is string file)
        {
            IEnumerable<Option> others = Mixing.Prepend(_model);
            return others.FirstOrDefault(option => parse.GetResult(option) is { Implicit: false }) is Option other
                ? throw new CommandFault(
                    $"{other.Name} changes a preset, but --network {file} describes the network. Leave one of them out.")
                : ModelSettings.Read(resolve(file));
        }

        string preset = parse.GetValue(_model) ?? byDefault;
        if (ModelSettings.Others.Contains(preset))
        {
            return Mixing.FirstOrDefault(option => parse.GetResult(option) is { Implicit: false }) is Option other
                ? throw new CommandFault($"{other.Name} changes a preset of the paper; --model {preset} is none. Leave one of them out.")
                : ModelSettings.Default(preset);
        }

        int? kernelSide = parse.GetValue(_kernelSide);
        NetworkScaling? scaling = ReadScaling(parse);
        float epsilon = (float?)parse.GetValue(_epsilon) ?? LocalMixerOptions.DefaultEpsilon;
        if (parse.GetValue(_mixer) != ModelSettings.Convolution)
        {
            return kernelSide is null
                ? ModelSettings.Default(preset) with { Scaling = scaling, Epsilon = epsilon }
                : throw new CommandFault(
                    $"--kernel-side requires --mixer {ModelSettings.Convolution}. Add that option, or leave --kernel-side out.");
        }

        if (kernelSide % 2 == 0)
        {
            throw new CommandFault($"--kernel-side must be an odd number, so that the kernel has a centre; got {kernelSide}.");
        }

        // The first block does not mix patches.
        ModelSettings settings = new(
            preset, TokenMixer.DepthwiseConvolution, kernelSide ?? ModelSettings.DefaultKernelSide, scaling, epsilon);
        return settings.Blocks > 1
            ? settings
            : throw new CommandFault(
                $"--mixer {ModelSettings.Convolution} does not apply to --model {preset}, whose only block mixes no patches. "
                + "Leave it out, or choose another model.");
    }

    private NetworkScaling? ReadScaling(ParseResult parse)
    {
        int[] downsample = parse.GetValue(_downsample)!, channels = parse.GetValue(_channelRatio)!, groups = parse.GetValue(_groupRatio)!;
        string? pooling = parse.GetValue(_pooling);
        if (pooling is not null && downsample.Length == 0)
        {
            throw new CommandFault("--pooling requires --downsample. Add that option, or leave --pooling out.");
        }

        return downsample.Length + channels.Length + groups.Length == 0 ? null
            : new NetworkScaling(downsample, channels, groups, pooling == Poolings[1] ? PatchPooling.Maximum : PatchPooling.Average);
    }
}
