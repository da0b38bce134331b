using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

public sealed class VarianceTests : IDisposable
{
    private readonly Workplace _workplace = new();

    [Fact]
    public void Layers_are_measured_beside_theory()
    {
        Workplace.Result result = _workplace.Run("variance --layer 4x3,6x2 --examples 2,5 --draws 3000 --threads 2 --out new/out");

        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.Equal("layer 4x3, 3000 draws, 1 pass", result.OutLines[0]);
        Assert.Equal(2 * (2 + (2 * 5)) + 2, result.OutLines.Length);
        string[] table = File.ReadAllLines(_workplace["work/new/out/layer.csv"]);
        Assert.Equal(1 + (2 * 2 * 5), table.Length);
        Assert.StartsWith("fan_in,fan_out,examples,passes,estimator,measured,standard_error,theory", table[0]);
        RequirePicture("work/new/out/layer.png");
    }

    [Fact]
    public void Json_is_one_line_and_depends_on_no_thread()
    {
        const string Command = "variance --layer 4X3 --examples 2 --draws 200 --passes 2 --perturbation rademacher --json --threads ";
        Workplace.Result one = _workplace.Run(Command + "1"), two = _workplace.Run(Command + "2");

        JsonObject outcome = JsonNode.Parse(Assert.Single(one.OutLines))!.AsObject();
        Assert.Equal(one.Out, two.Out);
        Assert.Equal(5, outcome["rows"]!.AsArray().Count);
        Assert.Equal(2, (int)outcome["rows"]![0]!["passes"]!);
        Assert.EndsWith("layer.png", (string)outcome["plot"]!);
    }

    [Fact]
    public void A_network_is_measured_rule_by_rule()
    {
        Workplace.Result result = _workplace.Run("variance --model s/1/1 --draws 2 --batch-size 4 --steps 2 --passes 1,2");

        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.Equal("S/1/1, weights of all blocks: batch size 4, after 2 steps of training, 2 draws", result.OutLines[0]);
        Assert.Equal(1 + 1 + (8 * 2) + 2, result.OutLines.Length);
        Assert.Equal(1 + (8 * 2 * 3), File.ReadAllLines(_workplace["work/variance/model.csv"]).Length);
        RequirePicture("work/variance/model.png");
    }

    [Theory]
    [InlineData("variance --layer 4", "--layer takes up to 8 sizes such as 64x32, separated by commas; got '4'")]
    [InlineData("variance --layer 0x4", "got '0x4'")]
    [InlineData("variance --layer 1024x1024", "got '1024x1024'")]
    [InlineData(
        "variance --layer 200000x1 --examples 1,60000",
        "at most 67108864 inputs and outputs; got 60000 x (200000 + 1). Choose a smaller --layer or fewer --examples")]
    [InlineData("variance --examples 1,,2", "--examples takes up to 8 whole numbers from 1 to 65536, separated by commas; got '1,,2'")]
    [InlineData("variance --examples 1,2,3,4,5,6,7,8,9", "--examples takes up to 8")]
    [InlineData("variance --passes 1,2", "--passes takes one number for linear layers")]
    [InlineData("variance --passes 0", "--passes takes up to 8 whole numbers from 1 to 4096, separated by commas; got '0'")]
    [InlineData("variance --draws 1", "--draws must be a whole number, 2 or more; got '1'")]
    [InlineData("variance --steps 5", "--steps applies only to a network. Name one with --model")]
    [InlineData("variance --mixer conv", "--mixer applies only to a network. Name one with --model")]
    [InlineData("variance --model S/1/1 --layer 4x4", "--layer applies only to linear layers, but --model or --network measures a network")]
    [InlineData("variance --model S/1/2", "--model: unknown value 'S/1/2'")]
    [InlineData("variance --model S/1/1 --steps 0", "--steps must be a whole number from 1 to 1000000; got '0'")]
    [InlineData("variance --model L/32/64", "--model L/32/64 does not fit images of 28x28x1")]
    [InlineData("variance --perturbation gauss", "did you mean 'gaussian'?")]
    [InlineData("variance --out {data}/t10k-labels-idx1-ubyte/a", "is a file. Name another")]
    [InlineData("variance --layer", "--layer needs a value")]
    public void What_is_wrong_is_told_in_one_line_and_leaves_nothing(string command, string expected) =>
        _workplace.Refuse(command, expected);

    public void Dispose() => _workplace.Dispose();

    private void RequirePicture(string name) =>
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(_workplace[name])[..4]);
}
