using Onward.Data;
using Onward.Formats;
using Onward.Layers;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Data;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class StreamLearnerTests : IDisposable
{
    private const int Length = 28 * 28;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_saved_learner_goes_on_with_the_same_bits_with_any_number_of_threads()
    {
        using WorkerTeam one = new(1), two = new(2);
        (byte[] pixels, string[] labels) = Digits(0, 120);
        StreamLearner whole = Create(one), begun = Create(two);
        Feed(whole, pixels, labels, 5);
        Feed(begun, pixels[..(60 * Length)], labels[..60], 5);
        begun.Save(_folder["learner.safetensors"]);

        StreamLearner resumed = StreamLearner.Load(_folder["learner.safetensors"], one);
        Feed(resumed, pixels[(60 * Length)..], labels[60..], 5);

        Assert.Equal(whole.Classes, resumed.Classes);
        Tolerance.Same(whole.Network.Values.All, resumed.Network.Values.All, "parameters");
        Assert.Equal(whole.Memory.Labels.ToArray(), resumed.Memory.Labels.ToArray());
        float[] expected = new float[whole.Classes.Count], actual = new float[whole.Classes.Count];
        Assert.Equal(whole.Predict(pixels.AsSpan(0, Length), expected), resumed.Predict(pixels.AsSpan(0, Length), actual));
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void A_new_class_leaves_what_the_network_computes_for_the_others()
    {
        using WorkerTeam team = new(1);
        (byte[] pixels, string[] labels) = Digits(0, 200);
        StreamLearner learner = Create(team);
        Feed(learner, pixels, labels, 8);
        Network before = learner.Network;
        int classes = learner.Classes.Count;
        float[] all = [.. before.Values.All];

        Assert.Throws<TrainingDivergedException>(() => Broken(learner).Learn(new byte[Length], "another"));
        learner.Learn(pixels.AsSpan(0, Length), "another");

        Assert.Equal(classes + 1, learner.Classes.Count);
        Assert.Equal(classes + 1, learner.Network.Classes);
        Assert.NotSame(before, learner.Network);
        Assert.Equal(all, before.Values.All.ToArray());
        foreach ((Parameter old, Parameter grown) in before.Values.Layout.Parameters.Zip(learner.Network.Values.Layout.Parameters))
        {
            // One step changes less than half. Numbers drawn anew would have an error of 1 or more.
            int oldRow = old.Shape[^1], row = grown.Shape[^1];
            Assert.InRange(row - oldRow, 0, 1);
            for (int i = 0; i < old.Length / oldRow; i++)
            {
                Tolerance.Near(
                    before.Values[old].Slice(i * oldRow, oldRow), learner.Network.Values[grown].Slice(i * row, oldRow), 0.5, old.Name);
            }
        }

        StreamLearner Broken(StreamLearner source)
        {
            source.Save(_folder["broken.safetensors"]);
            StreamLearner copy = StreamLearner.Load(_folder["broken.safetensors"], team);
            copy.Network.Values.All.Fill(float.NaN);
            return copy;
        }
    }

    [Fact]
    public void The_memory_keeps_what_a_stream_without_it_forgets()
    {
        using WorkerTeam team = new(2);
        (byte[] pixels, string[] labels) = Digits(0, 4000);
        int[] byClass = [.. Enumerable.Range(0, labels.Length).OrderBy(n => labels[n], StringComparer.Ordinal)];

        double forgetful = Error(capacity: 0), remembering = Error(capacity: 500);

        Assert.InRange(forgetful, 75, 100);
        Assert.InRange(remembering, 0, 35);

        double Error(int capacity)
        {
            StreamLearner learner = Create(team, capacity);
            foreach (int[] few in byClass.Chunk(8))
            {
                byte[] images = [.. few.SelectMany(n => pixels.AsSpan(n * Length, Length).ToArray())];
                learner.Learn(images, [.. few.Select(n => labels[n])]);
            }

            (byte[] tests, string[] expected) = Digits(100_000, 500);
            float[] probabilities = new float[learner.Classes.Count];
            return 100.0 / expected.Length * Enumerable.Range(0, expected.Length).Count(
                n => learner.Classes[learner.Predict(tests.AsSpan(n * Length, Length), probabilities)] != expected[n]);
        }
    }

    [Fact]
    public void Learning_and_predicting_allocate_nothing()
    {
        using WorkerTeam team = new(1);
        (byte[] pixels, string[] labels) = Digits(0, 64);
        StreamLearner learner = Create(team, capacity: 32);
        Feed(learner, pixels, labels, 1);
        float[] probabilities = new float[learner.Classes.Count];
        for (int n = 0; n < 64; n++)
        {
            Learn(n);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int n = 0; n < 64; n++)
        {
            Learn(n);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Learn(int n)
        {
            learner.Learn(pixels.AsSpan(n * Length, Length), labels[n]);
            learner.Predict(pixels.AsSpan(n * Length, Length), probabilities);
        }
    }

    [Fact]
    public void One_class_alone_is_certain_and_none_is_an_error()
    {
        using WorkerTeam team = new(1);
        StreamLearner learner = Create(team);
        Assert.Throws<InvalidOperationException>(() => learner.Predict(new byte[Length], []));
        learner.Learn(new byte[Length], "only");
        float[] probabilities = new float[1];

        Assert.Equal(0, learner.Predict(new byte[Length], probabilities));
        Assert.Equal([1f], probabilities);
    }

    [Fact]
    public void Bad_calls_change_nothing()
    {
        using WorkerTeam team = new(1);
        StreamLearner learner = Create(team);
        learner.Learn(new byte[Length], "first");
        float[] values = [.. learner.Network.Values.All];

        Assert.Throws<ArgumentException>(() => learner.Learn(new byte[Length - 1], "second"));
        Assert.Throws<ArgumentException>(() => learner.Learn(new byte[2 * Length], ["second", ""]));
        Assert.Throws<ArgumentException>(() => learner.Predict(new byte[Length], new float[2]));
        Assert.Throws<ArgumentException>(() => new StreamLearner(learner.Network, new() { BatchSize = 1 }, team));
        Assert.Throws<ArgumentException>(() => new StreamLearner(learner.Network, new() { StandardDeviation = 0 }, team));

        Assert.Equal(["first"], learner.Classes);
        Assert.Equal(values, learner.Network.Values.All.ToArray());
    }

    [Fact]
    public void A_file_of_something_else_or_a_damaged_one_is_told()
    {
        using WorkerTeam team = new(1);
        StreamLearner learner = Create(team);
        learner.Learn(new byte[Length], "first");
        ModelFile.Save(learner.Network, _folder["model.safetensors"]);
        learner.Save(_folder["learner.safetensors"]);
        byte[] bytes = File.ReadAllBytes(_folder["learner.safetensors"]);
        bytes[^5] ^= 1;
        File.WriteAllBytes(_folder["damaged.safetensors"], bytes);

        Refuse("model.safetensors", "not the file of a stream learner");
        Refuse("damaged.safetensors", "its bytes do not match their checksum");
        Refuse("absent.safetensors", "no such file");
        Refuse("learner.safetensors", "its learning rule is", () => Backpropagation.ThroughWeights(BackwardScope.Readout));

        void Refuse(string name, string expected, Func<Onward.Engine.LearningRule>? rule = null)
        {
            string message = Assert.Throws<ModelFileException>(() => StreamLearner.Load(_folder[name], team, rule)).Message;
            Assert.StartsWith($"{_folder[name]}: ", message);
            Assert.Contains(expected, message);
            Assert.DoesNotContain('\n', message);
        }
    }

    public void Dispose() => _folder.Dispose();

    private static void Feed(StreamLearner learner, byte[] pixels, string[] labels, int atOnce)
    {
        for (int n = 0; n < labels.Length; n += atOnce)
        {
            int count = Math.Min(atOnce, labels.Length - n);
            learner.Learn(pixels.AsSpan(n * Length, count * Length), labels.AsSpan(n, count));
        }
    }

    private static StreamLearner Create(WorkerTeam team, int capacity = 50)
    {
        Network network = new(
            new(28, 28, 1),
            [new(new Flatten(), new Linear(Length, 64), new LayerNorm(64), new Relu(), new Linear(64, 64), new LayerNorm(64), new Relu())],
            classes: 2);
        network.Initialize(1);
        return new StreamLearner(network, new() { Capacity = capacity, Seed = 7, Mean = 0.2f, StandardDeviation = 0.3f }, team);
    }

    private static (byte[] Pixels, string[] Labels) Digits(uint first, int count)
    {
        (byte[] pixels, byte[] labels) = ProceduralDigits.Generate(3, first, count);
        return (pixels, [.. labels.Select(label => $"digit {label}")]);
    }
}
