using System.Text.Json.Nodes;
using Onward.Data;
using Onward.Imaging;

namespace Onward.Runs;

/// <content>Compares runs.</content>
internal sealed partial record RunConfiguration
{
    /// <summary>The options that may differ when a run is continued: they change no result, or a notice tells of them.</summary>
    internal static readonly string[] BesideResult = ["version", "threads", "data", "datasetSource", "parallel", "environment", "init"];

    // What follows from the options and the images; a fault names an option first.
    private static readonly string[] Derived = ["version", "parameters", "trainingImages", ChecksumName];

    /// <summary>The first option that another run has of another value, and both values as JSON; null where there is none.</summary>
    /// <remarks>A run without a checksum of its images may have any images.</remarks>
    /// <param name="other">The other run.</param>
    /// <param name="ignored">Options that may differ.</param>
    internal (string Name, string Value, string Other)? FirstDifference(RunConfiguration other, params IReadOnlyList<string> ignored)
    {
        // Earlier versions took validation sets for test sets, and names as they are spelled.
        JsonObject mine = (this with { Images = Composed(Images) }).ToJson();
        RunConfiguration theirs = other with
        {
            HasValidationSet = HasValidationSet && other.HasValidationSet,
            Images = Composed(other.Images),
        };
        IEnumerable<KeyValuePair<string, JsonNode?>> compared = theirs.ToJson().Where(option => !ignored.Contains(option.Key));
        foreach ((string name, JsonNode? value) in compared.OrderBy(option => Array.IndexOf(Derived, option.Key)))
        {
            if (!JsonNode.DeepEquals(mine[name], value) && !(name == ChecksumName && ImagesChecksum is null))
            {
                return (name, Show(mine[name]), Show(value));
            }
        }

        return null;
    }

    private static ImageDescription? Composed(ImageDescription? images) => images is null
        ? null
        : images with { ClassNames = [.. images.ClassNames.Select(name => name is null ? "" : PathName.Compose(name))] };

    private static string Show(JsonNode? value) => value?.ToJsonString(Json) ?? "not given";
}
