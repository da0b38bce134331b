using System.Numerics.Tensors;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Onward.Formats;
using Onward.Models;

namespace Onward.Training;

/// <summary>
/// Keeps a model in one safetensors file: its parameters by name, and its options as JSON in the metadata, so that the
/// file alone rebuilds the model.
/// </summary>
public static class ModelFile
{
    internal const string OptionsKey = "onward.local_mixer";

    // Files of version 0.1 lack it.
    private static readonly string EpsilonKey = JsonNamingPolicy.CamelCase.ConvertName(nameof(LocalMixerOptions.Epsilon));

    // Reflection is named, as programs of a single file switch it off as a default.
    internal static readonly JsonSerializerOptions Json = new()
    {
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        IgnoreReadOnlyProperties = true,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter(allowIntegerValues: false) },
    };

    /// <summary>Writes a model; the file that was there stays whole until the new one is.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file to create or to replace.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void Save(LocalMixer model, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        SafetensorsWriter.Write(
            path, model.Values, new Dictionary<string, string> { [OptionsKey] = JsonSerializer.Serialize(model.Options, Json) });
    }

    /// <summary>Rebuilds a model from its file.</summary>
    /// <param name="path">A file that <see cref="Save"/> wrote.</param>
    /// <exception cref="ModelFileException">
    /// The file is missing, unreadable, damaged, no model of this library, or holds numbers that are not finite.
    /// </exception>
    public static LocalMixer Load(string path)
    {
        using SafetensorsReader file = new(path);
        LocalMixer model = new(ReadOptions(path, file, vectors: 1));
        file.Read(model.Values);

        // Version 0.1 and other programs write none.
        if (file.HasChecksum)
        {
            file.VerifyChecksum();
        }

        return model.Values.Layout.Parameters.FirstOrDefault(
            parameter => !TensorPrimitives.IsFiniteAll<float>(model.Values[parameter])) is not Parameter bad
            ? model
            : throw new ModelFileException(
                $"{path}: tensor '{bad.Name}' holds numbers that are not finite: the training diverged, or the file is damaged. "
                + "Use the model of an earlier epoch, or train again at a lower learning rate.");
    }

    /// <summary>Reads the options of the model in a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="file">The file, open.</param>
    /// <param name="vectors">Numbers that the file holds for each parameter's.</param>
    /// <param name="besides">Bytes of tensors that it holds besides.</param>
    /// <exception cref="ModelFileException">
    /// There are none, they are damaged, or the file holds too many numbers for them or too few.
    /// </exception>
    internal static LocalMixerOptions ReadOptions(string path, SafetensorsReader file, int vectors, long besides = 0)
    {
        if (!file.Metadata.TryGetValue(OptionsKey, out string? text))
        {
            throw new ModelFileException($"{path}: no model options ({OptionsKey}) in the metadata. Use a file that Onward wrote.");
        }

        LocalMixerOptions? options;
        try
        {
            options = JsonSerializer.Deserialize<LocalMixerOptions>(text, Json);
            if (options is not null && JsonNode.Parse(text)![EpsilonKey] is null)
            {
                options = options with { Epsilon = LocalMixerOptions.PaperEpsilon };
            }

            options?.Validate();
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException)
        {
            throw new ModelFileException(
                $"{path}: the model options in the metadata are damaged. Replace the file with an intact copy.", fault);
        }

        // Before any memory is taken for a model of these sizes.
        if (options is null || (options.ParameterCount * vectors * sizeof(float)) + besides != file.DataLength || !options.FitsMemory)
        {
            throw new ModelFileException(
                $"{path}: the model options in the metadata call for {options?.ParameterCount ?? 0} parameters, the file has {(file.DataLength - besides) / sizeof(float) / vectors}. Replace the file with an intact copy.");
        }

        return options;
    }
}
