using System.Numerics.Tensors;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Onward.Formats;
using Onward.Models;

namespace Onward.Training;

/// <summary>
/// Saves and loads a model as one safetensors file. It contains the parameters by name and the model options as JSON in the
/// metadata, so no other file is needed.
/// </summary>
public static class ModelFile
{
    internal const string OptionsKey = "onward.local_mixer";

    internal const string NetworkKey = "onward.network";

    // Files of version 0.1 do not contain this option.
    private static readonly string EpsilonKey = JsonNamingPolicy.CamelCase.ConvertName(nameof(LocalMixerOptions.Epsilon));

    // The resolver is set explicitly because single-file programs disable reflection by default.
    internal static readonly JsonSerializerOptions Json = new()
    {
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        IgnoreReadOnlyProperties = true,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter(allowIntegerValues: false) },
    };

    /// <summary>Writes a model to a file. An existing file stays intact until the new one is complete.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file to create or to replace.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the folder is denied.</exception>
    public static void Save(Network model, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        SafetensorsWriter.Write(
            path, model.Values, new Dictionary<string, string>([Describe(model)]));
    }

    /// <summary>Loads a model from its file.</summary>
    /// <param name="path">A file that <see cref="Save"/> wrote.</param>
    /// <exception cref="ModelFileException">The file is missing, unreadable, damaged, not a model of this library, or contains
    /// numbers that are not finite.</exception>
    public static Network Load(string path)
    {
        using SafetensorsReader file = new(path);
        Network model = Create(path, file, vectors: 1);
        file.Read(model.Values);

        // Version 0.1 and other programs write no checksum.
        if (file.HasChecksum)
        {
            file.VerifyChecksum();
        }

        Parameter? bad = model.Values.Layout.Parameters.FirstOrDefault(
            parameter => !TensorPrimitives.IsFiniteAll<float>(model.Values[parameter]));
        return bad is null
            ? model
            : throw new ModelFileException(
                $"{path}: tensor '{bad.Name}' holds numbers that are not finite: the training diverged, or the file is damaged. "
                + "Use the model of an earlier epoch, or train again at a lower learning rate.");
    }

    /// <summary>
    /// Sets the parameters of a network for which a safetensors file has a tensor of the same name and shape. The other parameters stay as
    /// they are.
    /// </summary>
    /// <param name="model">The network.</param>
    /// <param name="path">A file of this library or of another program; it needs no description of a network.</param>
    /// <returns>The parameters that were set, those that were not, and the tensors that no parameter takes.</returns>
    /// <exception cref="ModelFileException">
    /// The file is missing, unreadable or damaged, or contains numbers that are not finite.
    /// </exception>
    public static MatchedParameters LoadMatching(Network model, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        using SafetensorsReader file = new(path);
        if (file.HasChecksum)
        {
            file.VerifyChecksum();
        }

        MatchedParameters matched = file.ReadMatching(model.Values);
        Parameter? bad = matched.Taken.FirstOrDefault(parameter => !TensorPrimitives.IsFiniteAll<float>(model.Values[parameter]));
        return bad is null
            ? matched
            : throw new ModelFileException($"{path}: tensor '{bad.Name}' holds numbers that are not finite. Use another file.");
    }

    /// <summary>Describes a network in the metadata of a file.</summary>
    internal static KeyValuePair<string, string> Describe(Network network) => network.Mixer is LocalMixerOptions options
        ? new(OptionsKey, JsonSerializer.Serialize(options, Json))
        : new(NetworkKey, JsonSerializer.Serialize(NetworkDescription.Of(network), Json));

    /// <summary>Creates the network that a file describes, with parameters of 0.</summary>
    /// <param name="path">Path of the file, for messages.</param>
    /// <param name="file">The open file.</param>
    /// <param name="vectors">How many vectors of the network's size the file contains: 1 for a model, more for a checkpoint.</param>
    /// <param name="besides">Number of bytes of other tensors in the file.</param>
    /// <exception cref="ModelFileException">
    /// The description is missing or damaged, or does not match the amount of data in the file.
    /// </exception>
    internal static Network Create(string path, SafetensorsReader file, int vectors, long besides = 0)
    {
        try
        {
            if (file.Metadata.TryGetValue(OptionsKey, out string? mixer))
            {
                LocalMixerOptions options = ReadOptions(mixer);

                // Checked before any memory is allocated for a network of these sizes.
                Require(options.ParameterCount, options.FitsMemory);
                return LocalMixer.Build(options);
            }

            if (file.Metadata.TryGetValue(NetworkKey, out string? layers))
            {
                NetworkDescription description = JsonSerializer.Deserialize<NetworkDescription>(layers, Json) ?? throw new JsonException();
                Require(description.CountParameters(), fitsMemory: true);
                return description.Build();
            }
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException or OverflowException or NotSupportedException)
        {
            throw new ModelFileException(
                $"{path}: the model options in the metadata are damaged. Replace the file with an intact copy.", fault);
        }

        throw new ModelFileException(
            $"{path}: no model options ({OptionsKey} or {NetworkKey}) in the metadata. Use a file that Onward wrote.");

        void Require(Int128 parameters, bool fitsMemory)
        {
            if ((parameters * vectors * sizeof(float)) + besides != file.DataLength || !fitsMemory)
            {
                throw new ModelFileException(
                    $"{path}: the model options in the metadata call for {parameters} parameters, "
                    + $"the file has {(file.DataLength - besides) / sizeof(float) / vectors}. Replace the file with an intact copy.");
            }
        }
    }

    private static LocalMixerOptions ReadOptions(string text)
    {
        LocalMixerOptions options = JsonSerializer.Deserialize<LocalMixerOptions>(text, Json) ?? throw new JsonException();
        if (JsonNode.Parse(text)![EpsilonKey] is null)
        {
            options = options with { Epsilon = LocalMixerOptions.PaperEpsilon };
        }

        options.Validate();
        return options;
    }
}
