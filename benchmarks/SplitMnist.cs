// Learns MNIST as a stream in one pass, its classes two at a time (split MNIST), and once more in a random order (joint training).
// Prints the test error on the classes seen so far after each pair.
// dotnet run -c Release benchmarks/SplitMnist.cs -- DIR [capacity of the memory] [seed]
#:project ../src/Onward/Onward.csproj
#:property PublishAot=false

using System.Diagnostics;
using System.Globalization;
using Onward.Data;
using Onward.Layers;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

ImageDataset mnist = new MnistSource().Load(args[0]);
int capacity = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1000;
ulong seed = args.Length > 2 ? ulong.Parse(args[2], CultureInfo.InvariantCulture) : 1;
using WorkerTeam team = new(2);

int[] shuffled = [.. Enumerable.Range(0, mnist.Training.Count)];
new Random((int)seed).Shuffle(shuffled);
Console.WriteLine(Run("classes in pairs", [.. shuffled.GroupBy(n => mnist.Training.Labels.Span[n] / 2).OrderBy(pair => pair.Key)]));
Console.WriteLine(Run("any order", shuffled.Chunk(shuffled.Length / 5)));

string Run(string name, IEnumerable<IEnumerable<int>> parts)
{
    Network network = new(
        new(28, 28, 1),
        [
            new(new Flatten(), new Linear(784, 512), new LayerNorm(512), new Relu()) { Groups = 16 },
            new(new Linear(512, 512), new LayerNorm(512), new Relu()) { Groups = 16 },
        ],
        classes: 2);
    network.Initialize(seed);
    StreamLearner learner = new(
        network,
        new() { Capacity = capacity, Seed = seed, Mean = mnist.Mean[0], StandardDeviation = mnist.StandardDeviation[0] },
        team);
    RawImage image = new();
    Stopwatch clock = Stopwatch.StartNew();
    List<string> errors = [];
    int learned = 0;
    foreach (IEnumerable<int> part in parts)
    {
        foreach (int[] few in part.Chunk(8))
        {
            byte[] pixels = new byte[few.Length * 784];
            for (int i = 0; i < few.Length; i++)
            {
                mnist.Training.Read(few[i], image);
                image.Pixels.CopyTo(pixels.AsSpan(i * 784));
            }

            learner.Learn(pixels, [.. few.Select(n => $"{mnist.Training.Labels.Span[n]}")]);
            learned += few.Length;
        }

        errors.Add($"{Error(learner):F2}");
    }

    return $"{name,-16}: {string.Join(", ", errors)} % wrong; {learned / clock.Elapsed.TotalSeconds:F0} images/s with the tests";
}

double Error(StreamLearner learner)
{
    float[] probabilities = new float[learner.Classes.Count];
    RawImage image = new();
    int images = 0, mistakes = 0;
    for (int n = 0; n < mnist.Test.Count; n++)
    {
        string label = $"{mnist.Test.Labels.Span[n]}";
        if (learner.Classes.Contains(label))
        {
            mnist.Test.Read(n, image);
            images++;
            mistakes += learner.Classes[learner.Predict(image.Pixels, probabilities)] == label ? 0 : 1;
        }
    }

    return 100.0 * mistakes / images;
}
