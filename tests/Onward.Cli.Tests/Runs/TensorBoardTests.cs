using System.Globalization;
using Onward.Formats;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli.Tests;

public sealed class TensorBoardTests : IDisposable
{
    private const string Small = "train --data {data} --model M/8/16 --batch-size 16 --epochs 3 --out run --tensorboard";

    private static readonly (string Column, string Tag)[] Tags =
    [
        ("learning_rate", "learning_rate"), ("train_loss", "loss/train"), ("train_error", "error/train"), ("test_loss", "loss/test"),
        ("test_error", "error/test"), ("images_per_second", "images_per_second"), ("block_0_loss", "local_loss/block_0"),
        ("block_3_loss", "local_loss/block_3"),
    ];

    private readonly Workplace _workplace = new();

    private string Run => _workplace["work/run"];

    [Fact]
    public void Events_say_what_the_metrics_say()
    {
        Assert.Equal(0, _workplace.Run(Small).Code);

        EventReader events = EventReader.Read(Run);
        Assert.Equal([0L], events.Starts);
        RequireMetrics(events, epochs: 3);
    }

    [Fact]
    public void Histograms_count_the_weights_of_every_layer()
    {
        _workplace.Run(Small);

        EventReader events = EventReader.Read(Run);
        Network model = ModelFile.Load(Path.Combine(Run, "model.safetensors"));
        Parameter[] weights = [.. model.Values.Layout.Parameters.Where(parameter => parameter.IsMatrix)];
        Assert.Equal(weights.Length * 3, events.Histograms.Count);
        foreach (Parameter weight in weights)
        {
            float[] values = model.Values[weight].ToArray();
            List<(int Field, byte[] Bytes)> histogram = events.Histograms[($"weights/{weight.Name}", 3)];
            double[] limits = Doubles(histogram, 6), counts = Doubles(histogram, 7);
            Assert.Equal(
                (values.Min(), values.Max(), values.Length),
                (Doubles(histogram, 1)[0], Doubles(histogram, 2)[0], Doubles(histogram, 3)[0]));
            Assert.Equal(values.Sum(value => (double)value), Doubles(histogram, 4)[0], 1e-9);
            Assert.Equal(values.Sum(value => (double)value * value), Doubles(histogram, 5)[0], 1e-9);
            Assert.Equal((limits.Length, values.Length), (counts.Length, counts.Sum()));
            Assert.Equal(limits.Order(), limits);
            Assert.Equal(values.Max(), limits[^1]);
            Assert.Equal(values.Count(value => value < limits[14]), counts[..15].Sum(), 2.0);
        }
    }

    [Theory]
    [InlineData("", 8)]
    [InlineData("--augment crop", 8)]
    [InlineData("--objective contrastive --projection 8", 16)]
    public void The_first_views_are_shown(string options, int views)
    {
        _workplace.Run($"train --data {{data}} --model S/1/1 --batch-size 16 --epochs 1 --out run --tensorboard {options}".TrimEnd());

        EventReader events = EventReader.Read(Run);
        Assert.Equal(views, events.Images.Count);
        Assert.All(events.Images, image => Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], image.Value[..4]));
        Assert.All(events.Images.Keys, key => Assert.Equal(0, key.Step));
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_in_another_file_and_nothing_is_doubled()
    {
        _workplace.Run(Small, interruptAt: "epoch 1/3");
        string first = Assert.Single(Directory.GetFiles(Run, "*tfevents*"));
        int views = EventReader.Read(Run).Images.Count;

        // What a killed process wrote ahead of its checkpoint, the last record torn.
        using (EventFile ahead = new(Run, 2, TimeProvider.System))
        {
            ahead.Write(2, new EventSummary().AddScalar("loss/train", 99));
            ahead.Write(3, new EventSummary().AddScalar("loss/train", 99));
        }

        string torn = Directory.GetFiles(Run, "*tfevents*").Single(file => file != first);
        File.WriteAllBytes(torn, File.ReadAllBytes(torn)[..^5]);
        Assert.Equal(0, _workplace.Run("train --resume run").Code);

        EventReader events = EventReader.Read(Run);
        Assert.Equal(3, Directory.GetFiles(Run, "*tfevents*").Length);
        Assert.Equal([0, 2, 2], events.Starts);
        Assert.Equal(views, events.Images.Count);
        RequireMetrics(events, epochs: 3);
    }

    [Fact]
    public void A_run_may_begin_to_write_events_when_it_goes_on()
    {
        _workplace.Run(Small.Replace(" --tensorboard", "", StringComparison.Ordinal), interruptAt: "epoch 1/3");
        Assert.Empty(Directory.GetFiles(Run, "*tfevents*"));

        Assert.Equal(0, _workplace.Run("train --resume run --tensorboard").Code);

        Assert.Equal([2L, 3], EventReader.Read(Run).Scalars.Keys.Select(key => key.Step).Distinct().Order());
    }

    [Fact]
    public void Numbers_that_are_not_finite_and_are_all_alike_do_no_harm()
    {
        using (EventFile file = new(_workplace["work"], 0, TimeProvider.System))
        {
            EventSummary summary = new EventSummary()
                .AddHistogram("alike", [2, 2, 2])
                .AddHistogram("none", [])
                .AddHistogram("infinite", [1, float.PositiveInfinity])
                .AddScalar("nan", double.NaN);
            file.Write(1, summary);
        }

        EventReader events = EventReader.Read(_workplace["work"]);
        Assert.Equal([3.0], Doubles(Assert.Single(events.Histograms).Value, 7));
        Assert.True(float.IsNaN(events.Scalars[("nan", 1)]));
    }

    public void Dispose() => _workplace.Dispose();

    private void RequireMetrics(EventReader events, int epochs)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Run, "metrics.csv"));
        string[] columns = lines[0].Split(',');
        Assert.Equal(epochs, lines.Length - 1);
        Assert.Equal(epochs * (columns.Length - 3), events.Scalars.Count); // all but the epoch, the seconds and the advice
        foreach ((string column, string tag) in Tags)
        {
            for (int epoch = 1; epoch <= epochs; epoch++)
            {
                double expected = double.Parse(lines[epoch].Split(',')[Array.IndexOf(columns, column)], CultureInfo.InvariantCulture);
                Assert.Equal(expected, events.Scalars[(tag, epoch)], column == "images_per_second" ? 0.06 : 1e-5);
            }
        }
    }

    private static double[] Doubles(List<(int Field, byte[] Bytes)> fields, int field) =>
        [.. EventReader.Only(fields, field).Chunk(8).Select(bytes => BitConverter.ToDouble(bytes))];
}
