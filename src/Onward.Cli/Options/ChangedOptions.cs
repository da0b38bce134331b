using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Onward.Data;
using Onward.Rules;
using Onward.Training;

namespace Onward.Cli;

/// <summary>Finds the options of a run that differ from the defaults of its network, rule and objective.</summary>
internal static class ChangedOptions
{
    // Options that have a column of their own in the list of runs, and options that follow from the machine and the images.
    private static readonly string[] NotShown =
    [
        "version", "rule", "model", "mixer", "kernelSide", "scaling", "projection", "parameters", "dataset", "datasetSource", "data",
        "hasValidationSet", "stratifiedValidation", "images", RunConfiguration.ChecksumName, "trainingImages", "threads", "environment",
    ];

    private static readonly Dictionary<string, string> Names = new()
    {
        ["learningRate"] = "lr",
        ["readoutLearningRate"] = "readout-lr",
        ["readoutRateScale"] = "readout-scale",
        ["augmentation"] = "augment",
    };

    /// <summary>Returns the changed options, keyed by their names on the command line without the leading dashes.</summary>
    internal static IReadOnlyDictionary<string, JsonNode> Of(RunConfiguration run)
    {
        // A control variate and an optimizer change the defaults of other options. Those are not listed, but these two are.
        JsonObject defaults = (Defaults(run) with { ControlVariate = ControlVariate.None, Optimizer = OptimizerKind.Sgd }).ToJson();
        return run.ToJson()
            .Where(
                option => option.Value is not null
                    && !NotShown.Contains(option.Key)
                    && !JsonNode.DeepEquals(option.Value, defaults[option.Key]))
            .ToDictionary(
                option => Names.GetValueOrDefault(option.Key) ?? JsonNamingPolicy.KebabCaseLower.ConvertName(option.Key),
                option => option.Value!);
    }

    /// <summary>Formats the options as NAME=VALUE, like <c>onward sweep --vary</c>.</summary>
    internal static string Show(IReadOnlyDictionary<string, JsonNode> options) =>
        string.Join(' ', options.Select(option => $"{option.Key}={Show(option.Value)}"));

    private static string Show(JsonNode value) =>
        value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();

    private static RunConfiguration Defaults(RunConfiguration run)
    {
        TrainOptions options = new();
        Command train = new("train");
        options.AddTo(train);
        string[] objective = run.Projection > 0 ? ["--objective", "contrastive"] : [];
        string[] predicted = run.ControlVariate == ControlVariate.None
            ? []
            : ["--control-variate", RuleSettings.NameOf(run.ControlVariate)];
        string[] optimizer = ["--optimizer", run.Optimizer.ToString().ToLowerInvariant()];
        string[] model = run.OwnNetwork is null ? ["--model", run.Model] : [];
        string[] words = [.. model, "--rule", run.Rule, "--dataset", run.Dataset, .. objective, .. predicted, .. optimizer];
        RunPlan plan = options.Read(train.Parse(words, ValueOption.Parsing), path => path).Run.FitToChannels(run.Images?.Mean.Count ?? 0);
        plan = run.OwnNetwork is null ? plan : plan with { Model = run.Network };

        // A placeholder for the images: options that describe images are not listed.
        int side = run.ImageSize is null ? 1 : Datasets.DefaultImageSize;
        ImageSet none = new LabelledImages(new byte[side * side], new int[1], side, side, 1, 1);
        TrainingData data = new(run.Dataset, new ImageDataset("", none, none, [0], [1], ""), null, 0);
        RunConfiguration defaults = RunConfiguration.Of(plan, data, 0);
        return defaults with { Antialias = run.Dataset == Datasets.Folder };
    }
}
