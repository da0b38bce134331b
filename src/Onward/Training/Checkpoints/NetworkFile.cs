using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Onward.Formats;
using Onward.Layers;
using Onward.Models;

namespace Onward.Training;

/// <summary>A network that is written as JSON: blocks of layers by their names, without parameters.</summary>
/// <param name="Blocks">The blocks in order.</param>
public sealed partial record NetworkFile(IReadOnlyList<BlockDescription> Blocks)
{
    // Parameters, gradients and velocities each lie in one array; a checkpoint holds two of them.
    private const int MostParameters = int.MaxValue / 4;

    // Residuals that may contain one another: fewer than the files of runs and models can hold.
    private const int MostNested = 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        MaxDepth = 6 + (2 * MostNested), // a layer of a block is at depth 5, and may have a shape; a residual adds two
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        AllowTrailingCommas = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowDuplicateProperties = false,
        AllowOutOfOrderMetadataProperties = true,
        RespectRequiredConstructorParameters = true,
        NewLine = "\n",
        WriteIndented = true,
    };

    /// <summary>The address of the file's JSON schema, for editors; null for none.</summary>
    [JsonPropertyName("$schema"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Schema { get; init; }

    /// <summary>The shape of an example; null if the images say it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ExampleShape? Input { get; init; }

    /// <summary>Classes of the readout; null if the images say it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Classes { get; init; }

    /// <summary>The heads and the initial weights.</summary>
    public NetworkSettings Settings { get; init; } = new();

    /// <summary>Reads a file.</summary>
    /// <param name="path">The JSON file.</param>
    /// <exception cref="ModelFileException">
    /// The file is missing or unreadable, or does not describe a network. The message names the line and the place in the file.
    /// </exception>
    public static NetworkFile Read(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                throw new ModelFileException($"{path} is a folder. Name a JSON file with the blocks of a network.");
            }

            using FileStream stream = File.OpenRead(path);
            NetworkFile file = JsonSerializer.Deserialize<NetworkFile>(stream, Json) ?? throw new JsonException("the file is empty.");
            string? lacks = file.Blocks.Count == 0 ? "\"blocks\" is empty. A network has at least one block of layers."
                : file.Input is { Height: < 1 } or { Width: < 1 } or { Channels: < 1 } ? "the sizes of \"input\" are whole numbers from 1."
                : file.Settings is null ? "\"settings\" is null. Leave it out, or give it as an object."
                : file.Settings.Projection != 0
                    ? "\"projection\" is not a part of the file: the objective of the training decides it. Leave it out."
                : file.Classes < 2 ? "\"classes\" is a whole number from 2."
                : null;
            return lacks is null ? file : throw new ModelFileException($"{path}: {lacks}");
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ModelFileException($"{path}: no such file. Name a JSON file with the blocks of a network.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"{path}: cannot be read: {fault.Message}", fault);
        }
        catch (JsonException fault)
        {
            throw new ModelFileException($"{path}: {OneLine($"{Place(fault)}: {Reason(fault.Message)}")}", fault);
        }
        catch (NotSupportedException fault)
        {
            // The reader's way to say that a layer names no type.
            string place = OneLine(PathIn(fault.Message));
            throw new ModelFileException($"{path}: {place}: a layer needs a \"type\", which is one of {Types}.", fault);
        }
        catch (ArgumentException fault)
        {
            throw new ModelFileException($"{path}: {fault.Message}", fault);
        }
    }

    /// <summary>Builds the network.</summary>
    /// <param name="input">The shape of an example.</param>
    /// <param name="classes">Classes of the readout.</param>
    /// <param name="projection">Outputs of the heads of a self-supervised network; 0 if the heads classify.</param>
    /// <param name="predictsNextToken">True if heads predict the next token at each position; the file may say so too.</param>
    /// <exception cref="ArgumentException">
    /// The layers do not fit one another or the input, or the file is for another input or number of classes, or the network is too large.
    /// </exception>
    public Network Build(ExampleShape input, int classes, int projection = 0, bool predictsNextToken = false)
    {
        if (Input is ExampleShape own && own != input)
        {
            throw new ArgumentException($"The network is for an input of {own}; the input is {input}.", nameof(input));
        }

        if (Classes is int number && number != classes)
        {
            throw new ArgumentException($"The network is for {number} classes; there are {classes}.", nameof(classes));
        }

        NetworkSettings settings = Settings with
        {
            Projection = projection,
            PredictsNextToken = predictsNextToken || Settings.PredictsNextToken,
        };
        NetworkDescription description = new(input, Blocks, classes, settings);
        try
        {
            return description.CountParameters() <= MostParameters ? description.Build() : throw new OverflowException();
        }
        catch (OverflowException fault)
        {
            throw new ArgumentException($"The network has more than {MostParameters} parameters, or a layer larger than any array.", fault);
        }
    }

    /// <summary>Writes the JSON schema of these files.</summary>
    internal static string WriteSchema()
    {
        JsonObject schema = Json.GetJsonSchemaAsNode(typeof(NetworkFile), new() { TreatNullObliviousAsNonNullable = true }).AsObject();
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", "A network for onward train --network");
        return schema.ToJsonString(Json) + "\n";
    }

    private static string Types => string.Join(
        ", ",
        typeof(LayerDescription).GetCustomAttributes(typeof(JsonDerivedTypeAttribute), inherit: false)
            .Cast<JsonDerivedTypeAttribute>().Select(type => type.TypeDiscriminator));

    private static string Place(JsonException fault) =>
        $"line {(fault.LineNumber ?? 0) + 1}{(fault.Path is null or "$" ? "" : $", at {fault.Path}")}";

    // The messages of the reader name types of the program, which a user does not know.
    private static string Reason(string message) =>
        UnknownMember().Match(message) is { Success: true } unknown ? $"nothing here is called '{unknown.Groups[1].Value}'."
        : UnknownType().Match(message) is { Success: true } type
            ? $"no layer is of the type '{type.Groups[1].Value}'. The types are {Types}."
        : Missing().Match(message) is { Success: true } missing ? $"{missing.Groups[1].Value} is missing."
        : message.Contains("maximum configured depth", StringComparison.Ordinal)
            ? $"layers are nested too deeply; at most {MostNested} residuals may contain one another."
        : message.Contains("could not be converted", StringComparison.Ordinal) || message.Contains("null", StringComparison.Ordinal)
            ? "a value of another kind is needed here."
        : message.Contains("uplicate", StringComparison.Ordinal) ? "a name stands twice."
        : "this is not JSON as it should be. Check commas, quotes and brackets.";

    // Names in the file may hold ends of lines.
    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c));

    private static string PathIn(string message) => $"at {PathOfMessage().Match(message).Groups[1].Value}";

    [GeneratedRegex("The JSON property '([^']*)' could not be mapped")]
    private static partial Regex UnknownMember();

    [GeneratedRegex("discriminator id '([^']*)'")]
    private static partial Regex UnknownType();

    [GeneratedRegex(@"missing required properties including: (.*?)\.?$")]
    private static partial Regex Missing();

    [GeneratedRegex(@"Path: (\$\S*)")]
    private static partial Regex PathOfMessage();
}
