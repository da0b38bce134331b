using System.Text.Json.Nodes;
using Onward.Data;

namespace Onward.Cli.Tests;

/// <summary>Validation sets drawn from data that are sorted by class, like images in folders.</summary>
public sealed class HeldOutImagesTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --lr 0.02";
    private const string Several = "--data {data} --model S/1/1 --batch-size 16 --epochs 12 --validation 50 --json --out runs";

    private readonly Workplace _workplace = new(trainingImages: 200);

    public HeldOutImagesTests() => _workplace.SortByClass();

    [Fact]
    public void Every_class_is_learnt_and_held_out()
    {
        Workplace.Result result = _workplace.Run($"{Small} --epochs 12 --validation 50 --out run");

        Assert.Equal(0, result.Code);
        double error = (double)Read("run/result.json")["testError"]!;
        Assert.InRange(error, 0, 80);
        Assert.Equal(error, (double)JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!["validationError"]!, 4);
        Assert.Contains($"{error:0.00}", File.ReadAllText(_workplace.Run("report run").Out.Trim()));
        Assert.True((bool)Read("run/config.json")["stratifiedValidation"]!);
    }

    [Fact]
    public void Seeds_hold_out_other_images_and_a_run_goes_on_with_its_own()
    {
        _workplace.Run($"{Small} --epochs 3 --validation 50 --seed 5 --out whole");
        _workplace.Run($"{Small} --epochs 3 --validation 50 --seed 6 --out other");
        _workplace.Run($"{Small} --epochs 3 --validation 50 --seed 5 --out run", interruptAt: "epoch 1/3");

        Assert.Equal(0, _workplace.Run("train --resume run").Code);
        Assert.Equal(Model("whole"), Model("run"));
        Assert.NotEqual((string)Read("whole/config.json")["imagesChecksum"]!, (string)Read("other/config.json")["imagesChecksum"]!);
    }

    [Theory]
    [InlineData("sweep --vary lr=0.02,0.01")]
    [InlineData("compare --rules LG-BP --seeds 1 --lr 0.02")]
    public void Settings_and_rules_are_compared_on_images_of_every_class(string command)
    {
        Workplace.Result result = _workplace.Run($"{command} {Several}");

        Assert.True(result.Code == 0, result.Error);
        JsonNode line = JsonNode.Parse(result.OutLines[0])!;
        double error = line["error"] is JsonNode own ? (double)own : (double)line["rules"]![0]!["testError"]!;
        Assert.InRange(error, 0, 80);
    }

    // config.json of version 0.1 names neither the way of holding out nor a checksum.
    [Fact]
    public void A_run_of_version_0_1_keeps_the_last_images_held_out()
    {
        _workplace.Run($"{Small} --epochs 1 --validation 50 --out run");
        string path = _workplace["work/run/config.json"];
        JsonObject configuration = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        configuration.Remove("stratifiedValidation");
        configuration.Remove("imagesChecksum");
        File.WriteAllText(path, configuration.ToJsonString());
        ImageSet all = IdxFolder.Load(_workplace.Data).Training;

        RunPlan plan = RunFolder.ReadConfiguration(_workplace["work/run"]).Plan;

        (ImageSet training, ImageSet heldOut) = plan.HoldOut(all, 50);
        Assert.Equal(all.Labels[^50..].ToArray(), heldOut.Labels.ToArray());
        Assert.Equal(all.Labels[..^50].ToArray(), training.Labels.ToArray());
        Assert.Equal(0, _workplace.Run("eval --run run").Code);
    }

    public void Dispose() => _workplace.Dispose();

    private byte[] Model(string run) => File.ReadAllBytes(_workplace[$"work/{run}/model.safetensors"]);

    private JsonNode Read(string name) => JsonNode.Parse(File.ReadAllText(_workplace[$"work/{name}"]))!;
}
