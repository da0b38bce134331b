using Onward.Data;

namespace Onward.Tests.Data;

public sealed class IdxFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void The_labels_tell_the_classes_and_the_training_images_their_statistics()
    {
        _folder.WriteMnist(suffix: ".gz");

        ImageDataset data = IdxFolder.Load(_folder.Path);

        double[] pixels = [.. TemporaryFolder.Images(3)[16..].Select(pixel => pixel / 255.0)];
        double mean = pixels.Average();
        Assert.Equal((6, 6, 3, 2), (data.Training.Classes, data.Test.Classes, data.Training.Count, data.Test.Count));
        Assert.Equal(mean, data.Mean[0], 1e-6);
        Assert.Equal(Math.Sqrt(pixels.Average(pixel => (pixel - mean) * (pixel - mean))), data.StandardDeviation[0], 1e-6);
        Assert.Equal(["0", "1", "2", "3", "4", "5"], data.ClassNames);
    }

    [Fact]
    public void Images_all_of_one_grey_are_refused()
    {
        _folder.WriteMnist();
        _folder.Write("train-images-idx3-ubyte", TemporaryFolder.Header(0x803, 3, 2, 3, 18));

        Assert.Contains("are alike", Assert.Throws<DataException>(() => IdxFolder.Load(_folder.Path)).Message);
    }

    [Fact]
    public void An_empty_folder_is_told() =>
        Assert.Contains("no file train-images-idx3-ubyte.gz", Assert.Throws<DataException>(() => IdxFolder.Load(_folder.Path)).Message);

    [Fact]
    public void Random_damage_reads_or_is_told_and_takes_little_memory()
    {
        Random random = new(3);
        byte[] plain = TemporaryFolder.Images(3);
        byte[] gzip = TemporaryFolder.Gzip(plain);
        _folder.WriteMnist();
        for (int trial = 0; trial < 4_000; trial++)
        {
            byte[] damaged = [.. trial % 2 == 0 ? plain : gzip];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            _folder.Write("train-images-idx3-ubyte", damaged[..(random.Next(4) == 0 ? random.Next(damaged.Length) : damaged.Length)]);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                IdxFolder.Load(_folder.Path);
            }
            catch (DataException fault)
            {
                Assert.DoesNotContain('\n', fault.Message);
            }

            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 128 << 20, $"Trial {trial} took too much memory.");
        }
    }

    public void Dispose() => _folder.Dispose();
}
