using System.Globalization;
using Onward.Layers;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>
/// A network: a preset, the mixing of patches, and the scaling of its blocks, null where they do not differ; or a network of another
/// paper or of a file, by its name.
/// </summary>
internal sealed record ModelSettings(
    string Preset, TokenMixer Mixer, int KernelSide, NetworkScaling? Scaling = null, float Epsilon = LocalMixerOptions.DefaultEpsilon)
{
    /// <summary>The network of a file, in place of a preset; null for a preset.</summary>
    internal NetworkFile? File { get; init; }

    /// <summary>The names of all networks: the paper's presets, and networks of other papers.</summary>
    internal static IReadOnlyList<string> Names { get; } = [.. LocalMixerPresets.Names, .. Others];

    /// <summary>The names of networks of other papers, which no option changes.</summary>
    internal static IReadOnlyList<string> Others => [.. NamedNetworks.Names, NamedNetworks.OfText];

    /// <summary>True if the network is one of the paper's presets, which options may change.</summary>
    internal bool IsPreset => File is null && !Others.Contains(Preset);

    /// <summary>The name of depthwise convolution as a mixer.</summary>
    internal const string Convolution = "conv";

    // Characters of a network of text that is built without one.
    private const int CharactersAlone = 96;

    /// <summary>Patches along each side of a kernel by default.</summary>
    internal const int DefaultKernelSide = 3;

    /// <summary>The preset, and the differences of the network from it.</summary>
    internal string Name =>
        (Mixer == TokenMixer.Matrix ? Preset : string.Create(CultureInfo.InvariantCulture, $"{Preset}-{Convolution}{KernelSide}"))
            + Scaling?.Name;

    /// <summary>The name as part of a folder's.</summary>
    internal string FolderName => Name.Replace('/', '-');

    /// <summary>Blocks of the network; the images play no part in their number.</summary>
    internal int Blocks => File?.Blocks.Count
        ?? (ReadsText ? NamedNetworks.GptMini(1, 1).Count
            : IsPreset ? LocalMixerPresets.Get(Preset, 1, 1, 1).Blocks
            : BlocksFor(Images).Count);

    /// <summary>A preset as it is when no option changes it.</summary>
    internal static ModelSettings Default(string preset) => new(preset, TokenMixer.Matrix, DefaultKernelSide);

    /// <summary>The network of a JSON file, named as the file is.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="Onward.Formats.ModelFileException">The file does not describe a network.</exception>
    internal static ModelSettings Read(string path) =>
        Default(Path.GetFileNameWithoutExtension(path)) with { File = NetworkFile.Read(path) };

    /// <summary>The images that the network is for where there are no others: those of the paper, or what the file says.</summary>
    /// <exception cref="RunException">The file does not say it.</exception>
    internal (int Side, int Channels, int Classes) Images => File is null ? PresetDefaults.ImagesFor(Preset)
        : File is { Input: { } input, Classes: int classes } && input.Height == input.Width ? (input.Height, input.Channels, classes)
        : throw new RunException(say =>
            $"{say.Setting("network")} {Name} must say which images it is for, square ones. "
            + "Write \"input\": {\"height\": 28, \"width\": 28, \"channels\": 1} and \"classes\": 10 into the file, "
            + "with the numbers of yours.");

    /// <summary>True if the network begins with an embedding, and so reads text.</summary>
    internal bool ReadsText => Embedding is not null || (File is null && Preset == NamedNetworks.OfText);

    /// <summary>Characters of a window that the network takes; null if it takes any, or reads images.</summary>
    internal int? Context => Embedding is null ? null
        : File!.Input is ExampleShape input ? input.Height
        : Embedding.Positions > 0 ? Embedding.Positions : null;

    private EmbeddingDescription? Embedding => File?.Blocks is [{ Layers: [EmbeddingDescription first, ..] }, ..] ? first : null;

    /// <summary>Builds the network for the images or the text that it is for where there are no others.</summary>
    internal Network BuildAlone()
    {
        if (ReadsText)
        {
            int characters = File?.Classes ?? Embedding?.NumEmbeddings ?? CharactersAlone;
            return BuildForText(Context ?? Datasets.DefaultContext, characters, ObjectiveSettings.Default);
        }

        (int side, int channels, int classes) = Images;
        return Build(side, channels, classes, ObjectiveSettings.Default);
    }

    /// <summary>Builds the network for a text, its parameters not drawn yet.</summary>
    /// <param name="context">Characters of a window.</param>
    /// <param name="characters">Different characters of the text.</param>
    /// <param name="objective">The objective, which must be supervised.</param>
    internal Network BuildForText(int context, int characters, ObjectiveSettings objective)
    {
        if (!ReadsText)
        {
            throw new RunException(say =>
                $"{say.Setting(Setting)} {Name} reads images, not text. Name {say.Setting("model")} "
                + $"{NamedNetworks.OfText}, or a network that begins with an embedding by {say.Setting("network")}.");
        }

        if (objective.IsContrastive)
        {
            throw new RunException(say =>
                $"{say.Setting("objective")} contrastive compares views of images, and a text has none. Leave it out.");
        }

        if (Embedding?.NumEmbeddings is int known && known < characters)
        {
            throw new RunException(say =>
                $"{say.Setting("network")} {Name} has an embedding of {known} characters, but the "
                + $"text has {characters} different ones. Set \"numEmbeddings\" in the file to {characters} or more.");
        }

        try
        {
            ExampleShape window = new(context, 1, 1);
            return File?.Build(window, characters, predictsNextToken: true)
                ?? new Network(window, NamedNetworks.GptMini(context, characters), characters, new() { PredictsNextToken = true });
        }
        catch (ArgumentException fault)
        {
            throw new RunException(
                say => $"{say.Setting("network")} {Name} does not fit a text in windows of {context} characters "
                    + $"({say.Setting("context")}): {RunException.Sentence(fault)}",
                fault);
        }
    }

    /// <summary>Builds the network for images of the given kind, its parameters not drawn yet.</summary>
    /// <param name="side">Pixels along each side.</param>
    /// <param name="channels">Numbers of a pixel.</param>
    /// <param name="classes">Classes.</param>
    /// <param name="objective">The objective, which decides what the heads compute.</param>
    internal Network Build(int side, int channels, int classes, ObjectiveSettings objective)
    {
        if (IsPreset)
        {
            return LocalMixer.Build(objective.Adapt(Options(side, channels, classes)));
        }

        if (ReadsText || File?.Settings.PredictsNextToken == true)
        {
            throw new RunException(say =>
                $"{say.Setting(Setting)} {Name} reads text, not images. "
                + $"Name a text by {say.Setting("dataset")} {Datasets.Text}.");
        }

        try
        {
            ExampleShape image = new(side, side, channels);
            return File?.Build(image, classes, objective.Projection)
                ?? new Network(image, NamedNetworks.BlocksOf(Preset, image), classes, new() { Projection = objective.Projection });
        }
        catch (ArgumentException fault)
        {
            throw new RunException(
                say => $"{say.Setting(Setting)} {Name} does not fit images of {side}x{side}x{channels} "
                    + $"in {classes} classes: {RunException.Sentence(fault)}",
                fault);
        }
    }

    // The setting that names the network.
    private string Setting => File is null ? "model" : "network";

    private IReadOnlyList<Block> BlocksFor((int Side, int Channels, int Classes) images) =>
        NamedNetworks.BlocksOf(Preset, new(images.Side, images.Side, images.Channels));

    /// <summary>The options of a preset's network for images of the given kind.</summary>
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
