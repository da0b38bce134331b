using Onward.Formats;
using Onward.Layers;
using Onward.Models;
using Onward.Training;

namespace Onward.Tests.Training;

/// <summary>Networks that are written as JSON.</summary>
public sealed class NetworkFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    [Fact]
    public void A_file_builds_the_network_that_a_program_builds()
    {
        NetworkFile file = Read("""
            {
              "$schema": "network.schema.json", // notes and trailing commas are allowed
              "input": { "height": 6, "width": 6, "channels": 2 },
              "classes": 3, "settings": { "initializer": "lecun", "zeroHeads": false, },
              "blocks": [
                { "layers": [ { "type": "conv2d", "inChannels": 2, "outChannels": 8, "kernelSize": 3, "padding": 1, "name": "first" },
                  { "type": "groupNorm", "groups": 2, "channels": 8 }, { "type": "gelu", "approximation": "tanh" },
                  { "kernelSize": 2, "stride": 2, "type": "avgPool2d" } ], "groups": 4, "featureNorm": { "size": 8 } },
                { "layers": [ { "type": "residual", "layers": [ { "type": "rmsNorm", "size": 8 },
                  { "type": "linear", "inputs": 8, "outputs": 24 }, { "type": "attention", "heads": 2 } ] } ] },
              ],
            }
            """);
        Network expected = new(
            new(6, 6, 2),
            [
                new(
                    new Conv2d(2, 8, 3, padding: 1) { Name = "first" },
                    new GroupNorm(2, 8),
                    new Gelu(GeluApproximation.Tanh),
                    new AvgPool2d(2, 2)) { Groups = 4, FeatureNorm = new(8) },
                new(new Residual(new RmsNorm(8), new Linear(8, 24), new Attention(2))),
            ],
            classes: 3,
            new() { Initializer = WeightInitializer.Lecun, ZeroHeads = false });

        Network actual = file.Build(new(6, 6, 2), 3);

        Assert.Equal(
            expected.Values.Layout.Parameters.Select(parameter => parameter.Name),
            actual.Values.Layout.Parameters.Select(parameter => parameter.Name));
        expected.Initialize(1);
        actual.Initialize(1);
        Assert.True(expected.Values.All.SequenceEqual(actual.Values.All));
        Assert.Equal(
            expected.Blocks.SelectMany(block => block.Description.Layers).Select(layer => layer.ToString()),
            actual.Blocks.SelectMany(block => block.Description.Layers).Select(layer => layer.ToString()));
    }

    [Theory]
    [InlineData("""{"blocks":[{"layers":[{"type":"linera"}]}]}""", "line 1, at $.blocks[0].layers[0]: no layer is of the type 'linera'")]
    [InlineData("""{"blocks":[{"layers":[{"inputs":4,"outputs":2}]}]}""", "at $.blocks[0].layers[0]: a layer needs a \"type\", which")]
    [InlineData("""{"blocks":[{"layers":[{"type":"relu","inputs":4}]}]}""", "layers[0].inputs: nothing here is called 'inputs'.")]
    [InlineData("""{"blocks":[{"layers":[{"type":"linear","inputs":4}]}]}""", "at $.blocks[0].layers[0]: 'outputs' is missing.")]
    [InlineData("""{"blocks":[{"layers":[{"type":"layerNorm","size":"4"}]}]}""", "layers[0].size: a value of another kind is needed here.")]
    [InlineData("""{"blocks":[{"layers":null}]}""", "at $.blocks[0].layers: a value of another kind is needed here.")]
    [InlineData("""{"blocks":[null],"input":{"height":4,"channels":1}}""", "at $.input: 'width' is missing.")]
    [InlineData("""{"blocks":[]}""", "\"blocks\" is empty.")]
    [InlineData("""{"blocks":[{"layers":[{"type":"relu"}""", "line 1, at $.blocks[0].layers[1]: this is not JSON as it should be.")]
    [InlineData("""{"blocks":[],"blocks":[]}""", "a name stands twice.")]
    [InlineData("""{"a\nb":1}""", "at $['a b']: nothing here is called 'a b'.")]
    [InlineData("""{"blocks":[null],"input":{"height":4,"width":-4,"channels":1}}""", "the sizes of \"input\" are whole numbers from 1.")]
    [InlineData("""{"blocks":[null],"classes":1}""", "\"classes\" is a whole number from 2.")]
    [InlineData("""{"blocks":[null],"settings":null}""", "\"settings\" is null. Leave it out, or give it as an object.")]
    [InlineData("""{"blocks":[null],"settings":{"projection":7}}""", "\"projection\" is not a part of the file")]
    [InlineData("null", "line 1: this is not JSON as it should be.")]
    [InlineData("", "line 1: this is not JSON as it should be.")]
    public void A_file_that_is_no_network_is_refused_in_one_line(string text, string expected)
    {
        string message = Assert.Throws<ModelFileException>(() => Read(text)).Message;

        Assert.StartsWith($"{_path}: ", message);
        Assert.Contains(expected, message);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("""{"layers":[{"type":"linear","inputs":4,"outputs":-1}]}""", "blocks[0].layers[0]: outputs cannot be -1.")]
    [InlineData("""{"layers":[{"type":"residual","layers":[{"type":"groupedLinear","groups":0,"channelsPerGroup":2}]}]}""",
        "blocks[0].layers[0]: layers[0]: groups cannot be 0.")]
    [InlineData("""{"layers":[{"type":"conv2d","inChannels":0,"outChannels":2,"kernelSize":1}]}""",
        "blocks[0].layers[0]: inChannels cannot be 0.")]
    [InlineData("""{"layers":[null]}""", "blocks[0].layers[0]: null is no layer.")]
    [InlineData("""{"layers":[{"type":"gridPooling","kind":"average","side":4,"stride":0,"channels":4}]}""",
        "blocks[0].layers[0]: stride cannot be 0.")]
    [InlineData("""{"layers":[{"type":"imagePatches","patchesPerSide":0,"image":{"height":2,"width":2,"channels":1}}]}""",
        "blocks[0].layers[0]: patchesPerSide cannot be 0.")]
    [InlineData("""{"layers":[{"type":"layerNorm","size":4,"epsilon":1e300}]}""", "blocks[0].layers[0]: epsilon cannot be")]
    [InlineData("""{"layers":[{"type":"relu"}],"featureNorm":{"size":0}}""", "blocks[0].featureNorm: size cannot be 0.")]
    [InlineData("null", "blocks[0].layers: null is no block.")]
    [InlineData("""{"layers":[{"type":"linear","inputs":5,"outputs":2}]}""", "Block 0: Linear(5, 2) takes 5 channels; its input is 4.")]
    [InlineData("""{"layers":[{"type":"linear","inputs":4,"outputs":2000000000}]}""", "The network has more than 536870911 parameters")]
    public void A_network_that_cannot_be_built_names_its_layer(string block, string expected)
    {
        NetworkFile file = Read($$"""{"blocks":[{{block}}]}""");

        string message = Assert.Throws<ArgumentException>(() => file.Build(ExampleShape.Vector(4), 3)).Message;

        Assert.StartsWith(expected, message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_file_for_other_images_or_classes_is_refused()
    {
        NetworkFile file = Read("""
            {"input":{"height":1,"width":1,"channels":4},"classes":3,"blocks":[{"layers":[{"type":"linear","inputs":4,"outputs":2}]}]}
            """);

        Assert.Throws<ArgumentException>("input", () => file.Build(ExampleShape.Vector(5), 3));
        Assert.Throws<ArgumentException>("classes", () => file.Build(ExampleShape.Vector(4), 2));
        Assert.Equal(128, file.Build(ExampleShape.Vector(4), 3, projection: 128).Projection);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("no such file", Assert.Throws<ModelFileException>(() => NetworkFile.Read(_path + ".json")).Message);

    [Fact]
    public void A_folder_is_named() => Assert.EndsWith(
        " is a folder. Name a JSON file with the blocks of a network.",
        Assert.Throws<ModelFileException>(() => NetworkFile.Read(Path.GetTempPath())).Message);

    [Theory]
    [InlineData(20, null)]
    [InlineData(21, "layers are nested too deeply; at most 20 residuals may contain one another.")]
    public void Residuals_are_nested_as_deeply_as_runs_and_models_can_hold(int residuals, string? fault)
    {
        string layers = """{"type":"imagePatches","patchesPerSide":1,"image":{"height":1,"width":1,"channels":4}}""";
        for (int i = 0; i < residuals; i++)
        {
            layers = $$"""{"type":"residual","layers":[{{layers}}]}""";
        }

        File.WriteAllText(
            _path, $$"""{"blocks":[{"layers":[{"type":"linear","inputs":4,"outputs":4},{{layers}}]}]}""");
        if (fault is not null)
        {
            Assert.EndsWith(fault, Assert.Throws<ModelFileException>(() => NetworkFile.Read(_path)).Message);
            return;
        }

        Network network = NetworkFile.Read(_path).Build(ExampleShape.Vector(4), 2);
        ModelFile.Save(network, _path);
        Assert.Single(ModelFile.Load(_path).Blocks);
    }

    [Fact]
    public void The_published_schema_is_of_these_files()
    {
        string actual = Path.Combine(AppContext.BaseDirectory, "network.schema.json"), schema = NetworkFile.WriteSchema();
        File.WriteAllText(actual, schema);

        Assert.True(
            File.ReadAllText(Checkout.PathOf("docs", "network.schema.json")).ReplaceLineEndings("\n") == schema,
            $"docs/network.schema.json is not the schema of network files; {actual} is.");
    }

    public void Dispose() => File.Delete(_path);

    private NetworkFile Read(string text)
    {
        File.WriteAllText(_path, text);
        return NetworkFile.Read(_path);
    }
}
