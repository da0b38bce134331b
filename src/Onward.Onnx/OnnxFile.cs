using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Onward.Data;
using Onward.Formats;
using Onward.Models;

namespace Onward.Onnx;

/// <summary>Writes a network as an ONNX file, with which other runtimes make the same predictions.</summary>
/// <remarks>
/// The file uses opset 17. The input is pixels as decoders supply them: <c>image</c>, float32 [N, H, W, channels], red, green,
/// blue or grey, 0 to 255. Standardisation is part of the graph. The outputs, each [N, ...], are <c>probabilities</c> and
/// <c>logits</c> of the readout, then <c>block_0_logits</c> and so on for the blocks' local heads. A self-supervised network
/// has <c>block_0_projection</c> and so on, then <c>projection</c>, instead of the local logits. A network that begins with an
/// embedding reads <c>tokens</c>, int64 [N, positions], instead of images. The metadata of the model contains this description and the
/// class names.
/// </remarks>
public static class OnnxFile
{
    /// <summary>The opset of the file.</summary>
    public const int OperatorSet = GraphBuilder.OperatorSet;

    /// <summary>Name of the input of a network that reads images.</summary>
    public const string Input = "image";

    /// <summary>Name of the input of a network that begins with an embedding.</summary>
    public const string Tokens = "tokens";

    /// <summary>Name of the output that holds the probability of each class.</summary>
    public const string Probabilities = "probabilities";

    /// <summary>Name of the output that holds the logits of the classes.</summary>
    public const string Logits = "logits";

    /// <summary>Name of the output that holds the final projection of a self-supervised network.</summary>
    public const string Projection = "projection";

    // Protocol Buffers limit a message to 2^31 - 1 bytes.
    private const long MostBytes = int.MaxValue;

    // The resolver is set explicitly because single-file programs disable reflection by default.
    private static readonly JsonSerializerOptions Json =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, TypeInfoResolver = new DefaultJsonTypeInfoResolver() };

    /// <summary>Names of the outputs of a network, in the order of the file.</summary>
    /// <param name="network">The network.</param>
    public static IReadOnlyList<string> OutputsOf(Network network)
    {
        ArgumentNullException.ThrowIfNull(network);
        IEnumerable<string> heads = network.Blocks.Select(block => HeadOutput(block.Index, network.IsSelfSupervised));
        return [Probabilities, Logits, .. heads, .. network.IsSelfSupervised ? [Projection] : Array.Empty<string>()];
    }

    /// <summary>Name of the output of a block's local head: a projection or logits.</summary>
    internal static string HeadOutput(int block, bool projects) =>
        string.Create(CultureInfo.InvariantCulture, $"block_{block}_{(projects ? Projection : Logits)}");

    /// <summary>Writes a network to a file. An existing file stays intact until the new one is complete.</summary>
    /// <param name="model">The network.</param>
    /// <param name="images">Description of the images that it was trained on.</param>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="resize">How images of other sizes are resized for the network, as text for the metadata; null to leave it out.</param>
    /// <exception cref="ArgumentException">The images do not fit the network.</exception>
    /// <exception cref="NotSupportedException">The network is too large for a file.</exception>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the folder is denied.</exception>
    public static void Save(Network model, ImageDescription images, string path, string? resize = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!images.Fits(model.Input.Channels, model.Classes))
        {
            throw new ArgumentException(
                $"The network takes {model.Input.Channels} channels and has {model.Classes} classes; got {images.Mean.Count} means, "
                + $"{images.StandardDeviation.Count} deviations above 0 and {images.ClassNames.Count} names.",
                nameof(images));
        }

        if (model.Values.Layout.Count * sizeof(float) > MostBytes)
        {
            throw new NotSupportedException(
                $"An ONNX file holds at most {MostBytes} bytes; the {model.Values.Layout.Count} parameters of this network take more.");
        }

        DurableFile.Write(path, Encode(model, images, resize).WriteTo);
    }

    private static WireMessage Encode(Network model, ImageDescription images, string? resize)
    {
        string version = typeof(OnnxFile).Assembly.GetName().Version!.ToString(3);
        string colours = model.Input.Channels == 1 ? "grey" : "red, green, blue";
        string name = model.TakesIndices ? Tokens : Input;
        string input = model.TakesIndices
            ? string.Create(CultureInfo.InvariantCulture, $"int64 [N, {model.Input.Positions}], the index of each token")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"float32 [N, {model.Input.Height}, {model.Input.Width}, {model.Input.Channels}], {colours}, "
                + $"intensities 0 to 255; the graph standardises them");
        return NetworkGraph.Of(model, images).Complete(
            model.Mixer is null ? "Network" : "LocalMixer",
            version,
            $"A network that Onward trained without backpropagation. Input {name}: {input}. "
            + $"Outputs {Probabilities} and {Logits}: [N, {model.Classes}].",
            [
                ("onward.version", version),
                ("onward.input", input),
                .. resize is null ? Array.Empty<(string, string)>() : [("onward.resize", resize)],
                ("onward.class_names", JsonSerializer.Serialize(images.ClassNames, Json)),
                ("onward.mean", JsonSerializer.Serialize(images.Mean, Json)),
                ("onward.standard_deviation", JsonSerializer.Serialize(images.StandardDeviation, Json)),
            ]);
    }
}
