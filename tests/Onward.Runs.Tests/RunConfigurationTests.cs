using System.Text.Json;
using System.Text.Json.Nodes;
using Onward.Data;
using Onward.Rules;

namespace Onward.Runs.Tests;

/// <summary>A configuration and the plan of a run are two views of one thing.</summary>
public sealed class RunConfigurationTests
{
    // No setting has the value that it has by default.
    private const string Text = """
        {
          "version": "0.1.0", "rule": "LG-FG-A", "perturbation": "rademacher", "passes": 3, "recompute": true, "lossScope": "block",
          "projection": 16, "overlap": true, "layerwise": true, "noiseSites": "hidden", "controlVariate": "learned-feedback",
          "weightCredit": "reach", "temperature": 0.25, "readoutLearningRate": 0.5, "readoutRateScale": 0.125, "optimizer": "muon",
          "augmentation": "area", "areaMin": 0.75, "blankViews": "redraw", "model": "M/8/16", "epsilon": 0.001,
          "mixer": "depthwiseConvolution", "kernelSide": 5,
          "scaling": { "downsample": [1, 2], "channelRatio": [1], "groupRatio": [2], "pooling": "maximum" },
          "parameters": 7, "dataset": "folder", "datasetSource": "a", "data": "b", "imageSize": 64, "antialias": true,
          "trainingImages": 8, "imagesChecksum": "c", "validation": 9, "hasValidationSet": true, "stratifiedValidation": true,
          "epochs": 10, "batchSize": 11, "learningRate": 0.3, "momentum": 0.4, "beta2": 0.5, "clipNorm": 1.5,
          "weightDecay": 0.6, "schedule": "linear",
          "warmupEpochs": 0.7, "ema": 0.8, "limitBatches": 12, "limitTestBatches": 13, "overfitBatches": 14, "earlyStop": 15,
          "measureGradients": 16, "seed": 17, "threads": 18, "parallel": "2x1"
        }
        """;

    private static readonly string[] Later =
    [
        "recompute", "projection", "overlap", "layerwise", "noiseSites", "controlVariate", "weightCredit", "temperature",
        "readoutLearningRate", "readoutRateScale", "optimizer", "augmentation", "areaMin", "blankViews", "epsilon",
        "mixer", "kernelSide", "scaling", "stratifiedValidation", "ema", "limitBatches", "limitTestBatches",
        "overfitBatches", "earlyStop", "measureGradients", "beta2", "clipNorm",
    ];

    [Fact]
    public void Every_setting_is_written_as_it_was_read()
    {
        JsonObject read = JsonNode.Parse(Text)!.AsObject();

        JsonObject written = Read(read).ToJson();

        Assert.All(read, option => Assert.Equal(option.Value!.ToJsonString(), written[option.Key]?.ToJsonString()));
        Assert.Equal(["images", "environment"], written.Select(option => option.Key).Except(read.Select(option => option.Key)));
    }

    [Fact]
    public void Settings_may_stand_in_any_order()
    {
        JsonObject read = JsonNode.Parse(Text)!.AsObject();
        JsonObject turned = new(read.Reverse().Select(option => KeyValuePair.Create(option.Key, option.Value?.DeepClone())));

        Assert.Null(Read(read).FirstDifference(Read(turned)));
    }

    [Fact]
    public void The_plan_of_a_configuration_makes_the_same_configuration()
    {
        JsonObject read = JsonNode.Parse(Text)!.AsObject();
        RunConfiguration run = Read(read);
        ImageDataset digits = DigitsSource.Load();

        RunConfiguration again = RunConfiguration.Of(run.PlanOn(3), new TrainingData("folder", digits, null, 9), 7);

        string[] ofImages =
        [
            "version", "dataset", "datasetSource", "data", "imageSize", "antialias", "images", "trainingImages", "imagesChecksum",
            "hasValidationSet", "threads", "parallel", "environment",
        ];
        Assert.Null(run.FirstDifference(again, ofImages));
        Assert.Equal(3, again.Threads);
    }

    // Settings that later versions added have the value that runs had before.
    [Fact]
    public void A_configuration_of_the_first_version_has_its_values()
    {
        JsonObject read = JsonNode.Parse(Text)!.AsObject();
        foreach (string later in Later)
        {
            Assert.True(read.Remove(later));
        }

        RunPlan plan = Read(read).Plan;

        Assert.Equal(
            new RuleSettings("LG-FG-A", "rademacher", 3, false, NoiseSites.All, ControlVariate.None, false, 18), plan.Rule);
        Assert.Equal((1e-5f, 3, null), (plan.Model.Epsilon, plan.Model.KernelSide, plan.Model.Scaling));
        Assert.Equal(ObjectiveSettings.Default, plan.Objective);
        Assert.Equal(("none", BlankViews.Keep), (plan.Views.Name, plan.Views.Blanks));
        Assert.False(plan.StratifiedValidation);
        Assert.Equal(0, plan.Training.AverageDecay);
    }

    [Theory]
    [InlineData("rule")]
    [InlineData("lossScope")]
    [InlineData("model")]
    [InlineData("epochs")]
    [InlineData("seed")]
    [InlineData("threads")]
    public void A_configuration_without_a_setting_that_all_versions_wrote_is_damaged(string name)
    {
        JsonObject read = JsonNode.Parse(Text)!.AsObject();
        Assert.True(read.Remove(name));

        Assert.Throws<JsonException>(() => Read(read));
    }

    private static RunConfiguration Read(JsonObject text) => text.Deserialize<RunConfiguration>(RunConfiguration.Json)!;
}
